using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The selective scan in integers: <see cref="Quantization.QuantizedScan"/> defines what it computes, and all forms give the same
/// bits. Ā is looked up, so there is no exponential; a hidden state is a 16-bit number.
/// </summary>
/// <remarks>
/// A register of 512 bits holds 16 channels of two states:
/// <code>
///   lanes     e0 n | e0 n+1 | e1 n | e1 n+1 | …
///   code      codeΔ[e] twice + codeA           add, clamp
///   Ā         table of 128 by code             two permutations of 64, select
///   h         Ā ∗ h + v[e] ∗ B[n]              rounding high products, saturating sum; rounded to its level
///   sums      h·C[n] + h·C[n+1]                one multiply-add of neighbours into 16 sums of 32 bits
/// </code>
/// </remarks>
internal static unsafe class IntegerScan
{
    /// <summary>Channels that go through all tokens together, so that their states stay in the nearest cache.</summary>
    public const int ChannelsAtOnce = 64;

    /// <summary>The most states: those of <see cref="ChannelsAtOnce"/> channels lie on the stack.</summary>
    public const int MaxStates = SelectiveScan.MaxStates;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<IntegerScanKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &RunAvx512),
        new(InstructionSet.Portable, &RunPortable));

    /// <summary>Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>; the start is a multiple of 16.</summary>
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(scan, in call, channelStart, channelEnd);

    private static void RunPortable(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int* b = stackalloc int[scan.States], c = stackalloc int[scan.States], h = stackalloc int[scan.States];
        for (int e = channelStart; e < channelEnd; e++)
        {
            new Span<int>(h, scan.States).Clear();
            ScanChannel(scan, in call, e, b, c, h);
        }
        GC.KeepAlive(scan);
    }

    /// <summary>One channel through all tokens, number by number.</summary>
    private static void ScanChannel(PackedScan scan, in IntegerScanCall call, int channel, int* b, int* c, int* h)
    {
        int states = scan.States, group = 0, shift = scan.HiddenShift;
        sbyte* rates = scan.RateCodes + ((nint)channel * states);
        var exp = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            QuantizeStates(call.B + (row * call.BStride), states, scan.BInverse, scan.BMax, scan.BShift, b);
            QuantizeStates(call.C + (row * call.CStride), states, scan.CInverse, scan.CMax, shift: 0, c);
            if (scan.Groups[t] != group)
            {
                group = scan.Groups[t];
                for (int n = 0; n < states; n++)
                    h[n] = Level((int)Math.Clamp(MathF.Round(h[n] * scan.Rescales[group]), -32768f, 32767f), shift);
            }
            float delta = 0;
            Lane1.Store(VectorMath.Softplus(Lane1.Load(call.Delta + (row * call.DeltaStride) + channel), in exp), &delta);
            int qu = (int)Math.Clamp(MathF.Round(call.U[(row * call.UStride) + channel] * scan.UInverse) + scan.UZero, 0f, scan.UMax) - scan.UZero;
            int qDelta = (int)Math.Clamp(MathF.Round(delta * scan.DeltaInverse), 0f, scan.DeltaMax);
            int factor = (group * scan.Channels) + channel;
            int v = (int)Math.Clamp(MathF.Round(qu * qDelta * scan.InputFactors[factor]), -32768f, 32767f);
            int code = scan.DeltaCodes[qDelta], sum = 0;
            for (int n = 0; n < states; n++)
            {
                int decay = scan.Decays[Math.Clamp(code + rates[n], 0, Quantization.QuantizedScan.Codes - 1)];
                h[n] = Level(Clamp16(Product(decay, h[n]) + Product(v, b[n])), shift);
                sum += h[n] * c[n];
            }
            float y = (sum * scan.OutputFactors[factor]) + (scan.Skip[channel] * (scan.UScale * qu));
            float* target = call.Y + (row * call.YStride) + channel;
            *target = call.Accumulate ? *target + y : y;
        }
    }

    private static void QuantizeStates(float* values, int states, float inverse, int max, int shift, int* levels)
    {
        for (int n = 0; n < states; n++)
            levels[n] = (int)Math.Clamp(MathF.Round(values[n] * inverse), -max, max) << shift;
    }

    private static int Product(int x, int y) => ((x * y) + (1 << 14)) >> 15;

    private static int Clamp16(int x) => Math.Clamp(x, short.MinValue, short.MaxValue);

    private static int Level(int x, int shift) => Clamp16(x + (1 << (shift - 1))) & (-1 << shift);

    private static void RunAvx512(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int pairs = scan.Pairs, whole = channelEnd / PackedScan.BlockChannels * PackedScan.BlockChannels;
        short* memory = stackalloc short[((ChannelsAtOnce * 2 * pairs) + (4 * pairs)) + 64];
        short* states = (short*)(((nint)memory + 63) & -64);
        short* b = states + (ChannelsAtOnce * 2 * pairs), c = b + (2 * pairs);
        for (int channel = channelStart; channel < whole; channel += ChannelsAtOnce)
            ScanBlocks(scan, in call, channel, Math.Min(channel + ChannelsAtOnce, whole), states, b, c);
        if (Math.Max(whole, channelStart) < channelEnd)
            RunPortable(scan, in call, Math.Max(whole, channelStart), channelEnd);
        GC.KeepAlive(scan);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanBlocks(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, short* states, short* b, short* c)
    {
        const int lanes = 2 * PackedScan.BlockChannels;
        int pairs = scan.Pairs, group = 0, stateCount = scan.States;
        new Span<short>(states, (channelEnd - channelStart) * 2 * pairs).Clear();
        new Span<short>(b, 4 * pairs).Clear();
        Vector512<short> table0 = Vector512.Load(scan.Decays), table1 = Vector512.Load(scan.Decays + 32);
        Vector512<short> table2 = Vector512.Load(scan.Decays + 64), table3 = Vector512.Load(scan.Decays + 96);
        Vector512<short> half = Vector512.Create((short)(1 << (scan.HiddenShift - 1))), mask = Vector512.Create((short)(-1 << scan.HiddenShift));
        Vector512<short> zero = Vector512<short>.Zero, last = Vector512.Create((short)127), middle = Vector512.Create((short)63);
        Vector512<float> uInverse = Vector512.Create(scan.UInverse), uZero = Vector512.Create((float)scan.UZero), uMax = Vector512.Create((float)scan.UMax);
        Vector512<float> uScale = Vector512.Create(scan.UScale), lowest = Vector512.Create(-32768f), highest = Vector512.Create(32767f);
        Vector512<float> deltaInverse = Vector512.Create(scan.DeltaInverse), deltaMax = Vector512.Create((float)scan.DeltaMax);
        sbyte* deltaCodes = scan.DeltaCodes;
        int* levels = stackalloc int[PackedScan.BlockChannels];
        var exp = new ExpPolynomial<Lanes512>(PolynomialCoefficients.Exp);
        float* softplus = stackalloc float[PackedScan.BlockChannels];
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            QuantizeStates(call.B + (row * call.BStride), stateCount, scan.BInverse, scan.BMax, scan.BShift, b);
            QuantizeStates(call.C + (row * call.CStride), stateCount, scan.CInverse, scan.CMax, shift: 0, c);
            if (scan.Groups[t] != group)
            {
                group = scan.Groups[t];
                Rescale(states, (channelEnd - channelStart) * 2 * pairs, scan.Rescales[group], half, mask);
            }
            short* state = states;
            for (int channel = channelStart; channel < channelEnd; channel += PackedScan.BlockChannels)
            {
                Lanes512.Store(VectorMath.Softplus(Lanes512.Load(call.Delta + (row * call.DeltaStride) + channel), in exp), softplus);
                Vector512<float> qDelta = Vector512.Min(Vector512.Max(
                    Vector512.Round(Vector512.Load(softplus) * deltaInverse), Vector512<float>.Zero), deltaMax);
                Vector512<float> qu = Vector512.Min(Vector512.Max(
                    Vector512.Round(Vector512.Load(call.U + (row * call.UStride) + channel) * uInverse) + uZero, Vector512<float>.Zero), uMax) - uZero;
                nint factor = ((nint)group * scan.Channels) + channel;
                Vector512<float> input = Vector512.Round(qu * qDelta * Vector512.Load(scan.InputFactors + factor));
                Vector512<int> v = Vector512.ConvertToInt32Native(Vector512.Min(Vector512.Max(input, lowest), highest));
                Vector512<short> v2 = ((v & Vector512.Create(0xFFFF)) | (v << 16)).AsInt16();

                Vector512.ConvertToInt32Native(qDelta).Store(levels);
                for (int i = 0; i < PackedScan.BlockChannels; i++)
                    levels[i] = deltaCodes[levels[i]];
                Vector512<int> code = Vector512.Load(levels);
                Vector512<short> code2 = ((code & Vector512.Create(0xFFFF)) | (code << 16)).AsInt16();

                short* rates = scan.RateLanes + ((nint)channel * 2 * pairs);
                Vector512<int> sums = Vector512<int>.Zero;
                for (int p = 0; p < pairs; p++)
                {
                    Vector512<short> index = Vector512.Min(Vector512.Max(Vector512.Load(rates) + code2, zero), last);
                    Vector512<short> lower = Avx512BW.PermuteVar32x16x2(table0, index, table1);
                    Vector512<short> upper = Avx512BW.PermuteVar32x16x2(table2, index, table3);
                    Vector512<short> decay = Vector512.ConditionalSelect(Vector512.GreaterThan(index, middle), upper, lower);
                    Vector512<short> inputs = Avx512BW.MultiplyHighRoundScale(v2, Vector512.Create(((int*)b)[p]).AsInt16());
                    Vector512<short> h = Avx512BW.MultiplyHighRoundScale(decay, Vector512.Load(state));
                    h = Avx512BW.AddSaturate(Avx512BW.AddSaturate(h, inputs), half) & mask;
                    h.Store(state);
                    sums += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(((int*)c)[p]).AsInt16());
                    state += lanes;
                    rates += lanes;
                }
                Vector512<float> y = (Vector512.ConvertToSingle(sums) * Vector512.Load(scan.OutputFactors + factor))
                    + (Vector512.Load(scan.Skip + channel) * (uScale * qu));
                float* target = call.Y + (row * call.YStride) + channel;
                (call.Accumulate ? Vector512.Load(target) + y : y).Store(target);
            }
        }
    }

    private static void QuantizeStates(float* values, int states, float inverse, int max, int shift, short* levels)
    {
        int n = 0;
        for (; n + 16 <= states; n += 16)
        {
            Vector512<float> level = Vector512.Round(Vector512.Load(values + n) * Vector512.Create(inverse));
            level = Vector512.Min(Vector512.Max(level, Vector512.Create((float)-max)), Vector512.Create((float)max));
            Avx512F.ConvertToVector256Int16(Vector512.ConvertToInt32Native(level) << shift).Store(levels + n);
        }
        for (; n < states; n++)
            levels[n] = (short)((int)Math.Clamp(MathF.Round(values[n] * inverse), -max, max) << shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rescale(short* states, int count, float factor, Vector512<short> half, Vector512<short> mask)
    {
        Vector512<float> lowest = Vector512.Create(-32768f), highest = Vector512.Create(32767f), scale = Vector512.Create(factor);
        for (int i = 0; i < count; i += Vector512<short>.Count)
        {
            (Vector512<int> low, Vector512<int> high) = Vector512.Widen(Vector512.Load(states + i));
            Vector512<float> x = Vector512.Min(Vector512.Max(Vector512.Round(Vector512.ConvertToSingle(low) * scale), lowest), highest);
            Vector512<float> y = Vector512.Min(Vector512.Max(Vector512.Round(Vector512.ConvertToSingle(high) * scale), lowest), highest);
            Vector512<short> h = Vector512.Narrow(Vector512.ConvertToInt32Native(x), Vector512.ConvertToInt32Native(y));
            (Avx512BW.AddSaturate(h, half) & mask).Store(states + i);
        }
    }
}
