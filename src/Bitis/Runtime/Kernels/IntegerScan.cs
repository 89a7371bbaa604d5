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

    /// <summary>Tokens that are prepared together.</summary>
    private const int ChunkTokens = 4;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<IntegerScanKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &RunAvx512),
        new(InstructionSet.Portable, &RunPortable));

    /// <summary>Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>; the start is a multiple of 16.</summary>
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(scan, in call, channelStart, channelEnd);

    private static void RunPortable(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int* b = stackalloc int[2 * scan.States], h = stackalloc int[ChannelsAtOnce * scan.States];
        for (int channel = channelStart; channel < channelEnd; channel += ChannelsAtOnce)
            ScanNumbers(scan, in call, channel, Math.Min(channel + ChannelsAtOnce, channelEnd), b, b + scan.States, h);
        GC.KeepAlive(scan);
    }

    /// <summary>Some channels through all tokens, number by number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanNumbers(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, int* b, int* c, int* states)
    {
        int stateCount = scan.States, group = 0, shift = scan.HiddenShift;
        int count = (channelEnd - channelStart) * stateCount;
        new Span<int>(states, count).Clear();
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            QuantizeStates(call.B + (row * call.BStride), stateCount, scan.BInverse, scan.BMax, scan.BShift, b);
            QuantizeStates(call.C + (row * call.CStride), stateCount, scan.CInverse, scan.CMax, shift: 0, c);
            if (scan.Groups[t] != group)
            {
                group = scan.Groups[t];
                float rescale = scan.Rescales[group];
                for (int i = 0; i < count; i++)
                    states[i] = Level((int)Math.Clamp(MathF.Round(states[i] * rescale), -32768f, 32767f), shift);
            }
            for (int channel = channelStart; channel < channelEnd; channel++)
                ScanNumber(scan, in call, row, group, channel, b, c, states + ((channel - channelStart) * stateCount));
        }
    }

    /// <summary>One token of one channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScanNumber(PackedScan scan, in IntegerScanCall call, nint row, int group, int channel, int* b, int* c, int* h)
    {
        int states = scan.States, shift = scan.HiddenShift;
        sbyte* rates = scan.RateCodes + ((nint)channel * states);
        short* decays = scan.Decays;
        float delta = 0;
        var exp = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        Lane1.Store(VectorMath.Softplus(Lane1.Load(call.Delta + (row * call.DeltaStride) + channel), in exp), &delta);
        int qu = (int)Math.Clamp(MathF.Round(call.U[(row * call.UStride) + channel] * scan.UInverse) + scan.UZero, 0f, scan.UMax) - scan.UZero;
        int qDelta = (int)Math.Clamp(MathF.Round(delta * scan.DeltaInverse), 0f, scan.DeltaMax);
        int factor = (group * scan.Channels) + channel;
        int v = (int)Math.Clamp(MathF.Round(qu * qDelta * scan.InputFactors[factor]), -32768f, 32767f);
        int code = scan.DeltaCodes[qDelta], sum = 0;
        for (int n = 0; n < states; n++)
        {
            int decay = decays[Math.Clamp(code + rates[n], 0, Quantization.QuantizedScan.Codes - 1)];
            h[n] = Level(Clamp16(Product(decay, h[n]) + Product(v, b[n])), shift);
            sum += h[n] * c[n];
        }
        float y = (sum * scan.OutputFactors[factor]) + (scan.Skip[channel] * (scan.UScale * qu));
        float* target = call.Y + (row * call.YStride) + channel;
        *target = call.Accumulate ? *target + y : y;
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
        short* memory = stackalloc short[(ChannelsAtOnce * 2 * pairs) + (ChunkTokens * ((4 * pairs) + (4 * ChannelsAtOnce))) + 32];
        float* floats = stackalloc float[(ChunkTokens * ChannelsAtOnce) + 16];
        short* states = (short*)(((nint)memory + 63) & -64);
        float* skips = (float*)(((nint)floats + 63) & -64);
        for (int channel = channelStart; channel < whole; channel += ChannelsAtOnce)
            ScanChannels(scan, in call, channel, Math.Min(channel + ChannelsAtOnce, whole), states, skips);
        if (Math.Max(whole, channelStart) < channelEnd)
            RunPortable(scan, in call, Math.Max(whole, channelStart), channelEnd);
        GC.KeepAlive(scan);
    }

    /// <summary>
    /// Some channels through all tokens, a few tokens at a time: first what does not depend on the states, whose long chains of
    /// operations overlap, then the recurrence.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanChannels(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, short* states, float* skips)
    {
        int pairs = scan.Pairs, group = 0, channels = channelEnd - channelStart;
        short* inputs = states + (ChannelsAtOnce * 2 * pairs); // v, each twice
        short* codes = inputs + (ChunkTokens * 2 * ChannelsAtOnce); // codeΔ, each twice
        short* b = codes + (ChunkTokens * 2 * ChannelsAtOnce), c = b + (ChunkTokens * 2 * pairs);
        new Span<short>(states, channels * 2 * pairs).Clear();
        new Span<short>(b, ChunkTokens * 4 * pairs).Clear(); // an odd state's neighbour
        for (int start = 0, count; start < call.Tokens; start += count)
        {
            count = 1;
            int next = scan.Groups[start];
            while (count < ChunkTokens && start + count < call.Tokens && scan.Groups[start + count] == next)
                count++;
            for (int i = 0; i < count; i++)
            {
                nint row = call.Reverse ? call.Tokens - 1 - (start + i) : start + i;
                QuantizeStates(call.B + (row * call.BStride), scan.States, scan.BInverse, scan.BMax, scan.BShift, b + (i * 2 * pairs));
                QuantizeStates(call.C + (row * call.CStride), scan.States, scan.CInverse, scan.CMax, shift: 0, c + (i * 2 * pairs));
            }
            PrepareTokens(scan, in call, start, count, channelStart, channels, inputs, codes, skips);
            if (next != group)
                Rescale(states, channels * 2 * pairs, scan.Rescales[next], scan.HiddenShift);
            group = next;
            nint first = call.Reverse ? call.Tokens - 1 - start : start, step = call.Reverse ? -call.YStride : call.YStride;
            float* target = call.Y + (first * call.YStride) + channelStart;
            if (count == ChunkTokens)
            {
                ScanTokens(scan, group, channelStart, channels, states, inputs, codes, b, c, skips, target, step, call.Accumulate);
            }
            else
            {
                for (int i = 0; i < count; i++)
                {
                    int offset = i * 2 * ChannelsAtOnce, stateOffset = i * 2 * pairs;
                    ScanToken(
                        scan,
                        group,
                        channelStart,
                        channels,
                        states,
                        inputs + offset,
                        codes + offset,
                        b + stateOffset,
                        c + stateOffset,
                        skips + (i * ChannelsAtOnce),
                        target + (i * step),
                        call.Accumulate);
                }
            }
        }
    }

    /// <summary>v, codeΔ and D·u of some tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void PrepareTokens(
        PackedScan scan, in IntegerScanCall call, int start, int count, int channelStart, int channels, short* inputs, short* codes, float* skips)
    {
        Vector512<float> uInverse = Vector512.Create(scan.UInverse), uZero = Vector512.Create((float)scan.UZero), uMax = Vector512.Create((float)scan.UMax);
        Vector512<float> uScale = Vector512.Create(scan.UScale), lowest = Vector512.Create(-32768f), highest = Vector512.Create(32767f);
        Vector512<float> deltaInverse = Vector512.Create(scan.DeltaInverse), deltaMax = Vector512.Create((float)scan.DeltaMax);
        Vector512<int> lowerHalf = Vector512.Create(0xFFFF);
        short* table = scan.DeltaCodes;
        float* skip = scan.Skip + channelStart;
        var exp = new ExpPolynomial<Lanes512>(PolynomialCoefficients.Exp);
        for (int i = 0; i < count; i++)
        {
            int t = start + i;
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            float* factors = scan.InputFactors + ((nint)scan.Groups[t] * scan.Channels) + channelStart;
            float* delta = call.Delta + (row * call.DeltaStride) + channelStart, u = call.U + (row * call.UStride) + channelStart;
            for (int e = 0; e < channels; e += PackedScan.BlockChannels)
            {
                Vector512<float> steps = VectorMath.Softplus(Lanes512.Load(delta + e), in exp).Value;
                Vector512<float> qDelta = Vector512.Min(Vector512.Max(Vector512.Round(steps * deltaInverse), Vector512<float>.Zero), deltaMax);
                Vector512<float> qu = Vector512.Min(Vector512.Max(
                    Vector512.Round(Vector512.Load(u + e) * uInverse) + uZero, Vector512<float>.Zero), uMax) - uZero;
                Vector512<float> product = Vector512.Round(qu * qDelta * Vector512.Load(factors + e));
                Vector512<int> v = Vector512.ConvertToInt32Native(Vector512.Min(Vector512.Max(product, lowest), highest));
                ((v & lowerHalf) | (v << 16)).AsInt16().Store(inputs + (2 * e));
                Vector512<int> code = LookUp(table, Vector512.ConvertToInt32Native(qDelta), scan.DeltaMax);
                ((code & lowerHalf) | (code << 16)).AsInt16().Store(codes + (2 * e));
                (Vector512.Load(skip + e) * (uScale * qu)).Store(skips + e);
            }
            inputs += 2 * ChannelsAtOnce;
            codes += 2 * ChannelsAtOnce;
            skips += ChannelsAtOnce;
        }
    }

    /// <summary>Entries of a table of at most 256 numbers; indices lie in the even 16-bit lanes, the others are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> LookUp(short* table, Vector512<int> index, int last)
    {
        Vector512<short> lanes = index.AsInt16();
        Vector512<short> entry = Avx512BW.PermuteVar32x16x2(Vector512.Load(table), lanes, Vector512.Load(table + 32));
        for (int start = 64; start <= last; start += 64)
        {
            Vector512<short> higher = Avx512BW.PermuteVar32x16x2(Vector512.Load(table + start), lanes, Vector512.Load(table + start + 32));
            entry = Vector512.ConditionalSelect(Vector512.GreaterThan(lanes, Vector512.Create((short)(start - 1))), higher, entry);
        }
        return entry.AsInt32();
    }

    /// <summary>The recurrence of four tokens: a register of states stays where it is for all of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokens(
        PackedScan scan,
        int group,
        int channelStart,
        int channels,
        short* state,
        short* inputs,
        short* codes,
        short* b,
        short* c,
        float* skips,
        float* target,
        nint targetStep,
        bool accumulate)
    {
        const int lanes = 2 * PackedScan.BlockChannels, next = 2 * ChannelsAtOnce;
        int pairs = scan.Pairs, shift = scan.HiddenShift;
        short* decays = scan.Decays, rates = scan.RateLanes + ((nint)channelStart * 2 * pairs);
        float* factors = scan.OutputFactors + ((nint)group * scan.Channels) + channelStart;
        Vector512<short> table0 = Vector512.Load(decays), table1 = Vector512.Load(decays + 32);
        Vector512<short> table2 = Vector512.Load(decays + 64), table3 = Vector512.Load(decays + 96);
        Vector512<short> half = Vector512.Create((short)(1 << (shift - 1))), mask = Vector512.Create((short)(-1 << shift));
        for (int e = 0; e < channels; e += PackedScan.BlockChannels)
        {
            Vector512<short> v0 = Vector512.Load(inputs + (2 * e)), v1 = Vector512.Load(inputs + next + (2 * e));
            Vector512<short> v2 = Vector512.Load(inputs + (2 * next) + (2 * e)), v3 = Vector512.Load(inputs + (3 * next) + (2 * e));
            Vector512<short> code0 = Vector512.Load(codes + (2 * e)), code1 = Vector512.Load(codes + next + (2 * e));
            Vector512<short> code2 = Vector512.Load(codes + (2 * next) + (2 * e)), code3 = Vector512.Load(codes + (3 * next) + (2 * e));
            Vector512<int> sums0 = Vector512<int>.Zero, sums1 = sums0, sums2 = sums0, sums3 = sums0;
            int* b0 = (int*)b, c0 = (int*)c;
            for (int p = 0; p < pairs; p++)
            {
                Vector512<short> rate = Vector512.Load(rates);
                Vector512<short> decay0 = LookUp(rate + code0, table0, table1, table2, table3);
                Vector512<short> decay1 = LookUp(rate + code1, table0, table1, table2, table3);
                Vector512<short> decay2 = LookUp(rate + code2, table0, table1, table2, table3);
                Vector512<short> decay3 = LookUp(rate + code3, table0, table1, table2, table3);
                Vector512<short> h = Step(decay0, Vector512.Load(state), v0, b0[0], half, mask);
                sums0 += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(c0[0]).AsInt16());
                h = Step(decay1, h, v1, b0[pairs], half, mask);
                sums1 += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(c0[pairs]).AsInt16());
                h = Step(decay2, h, v2, b0[2 * pairs], half, mask);
                sums2 += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(c0[2 * pairs]).AsInt16());
                h = Step(decay3, h, v3, b0[3 * pairs], half, mask);
                sums3 += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(c0[3 * pairs]).AsInt16());
                h.Store(state);
                state += lanes;
                rates += lanes;
                b0++;
                c0++;
            }
            Vector512<float> factor = Vector512.Load(factors + e);
            Write(sums0, factor, skips + e, target + e, accumulate);
            Write(sums1, factor, skips + ChannelsAtOnce + e, target + targetStep + e, accumulate);
            Write(sums2, factor, skips + (2 * ChannelsAtOnce) + e, target + (2 * targetStep) + e, accumulate);
            Write(sums3, factor, skips + (3 * ChannelsAtOnce) + e, target + (3 * targetStep) + e, accumulate);
        }
    }

    /// <summary>Ā by code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> LookUp(
        Vector512<short> code, Vector512<short> table0, Vector512<short> table1, Vector512<short> table2, Vector512<short> table3)
    {
        Vector512<short> index = Vector512.Min(Vector512.Max(code, Vector512<short>.Zero), Vector512.Create((short)127));
        Vector512<short> lower = Avx512BW.PermuteVar32x16x2(table0, index, table1);
        Vector512<short> upper = Avx512BW.PermuteVar32x16x2(table2, index, table3);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(index, Vector512.Create((short)63)), upper, lower);
    }

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Step(
        Vector512<short> decay, Vector512<short> h, Vector512<short> v, int b, Vector512<short> half, Vector512<short> mask)
    {
        Vector512<short> input = Avx512BW.MultiplyHighRoundScale(v, Vector512.Create(b).AsInt16());
        return Avx512BW.AddSaturate(Avx512BW.AddSaturate(Avx512BW.MultiplyHighRoundScale(decay, h), input), half) & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector512<int> sums, Vector512<float> factor, float* skip, float* target, bool accumulate)
    {
        Vector512<float> y = (Vector512.ConvertToSingle(sums) * factor) + Vector512.Load(skip);
        (accumulate ? Vector512.Load(target) + y : y).Store(target);
    }

    /// <summary>The recurrence of one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanToken(
        PackedScan scan,
        int group,
        int channelStart,
        int channels,
        short* state,
        short* inputs,
        short* codes,
        short* b,
        short* c,
        float* skips,
        float* target,
        bool accumulate)
    {
        const int lanes = 2 * PackedScan.BlockChannels;
        int pairs = scan.Pairs, shift = scan.HiddenShift;
        short* decays = scan.Decays, rates = scan.RateLanes + ((nint)channelStart * 2 * pairs);
        float* factors = scan.OutputFactors + ((nint)group * scan.Channels) + channelStart;
        Vector512<short> table0 = Vector512.Load(decays), table1 = Vector512.Load(decays + 32);
        Vector512<short> table2 = Vector512.Load(decays + 64), table3 = Vector512.Load(decays + 96);
        Vector512<short> half = Vector512.Create((short)(1 << (shift - 1))), mask = Vector512.Create((short)(-1 << shift));
        for (int e = 0; e < channels; e += PackedScan.BlockChannels)
        {
            Vector512<short> v = Vector512.Load(inputs + (2 * e)), code = Vector512.Load(codes + (2 * e));
            Vector512<int> sums = Vector512<int>.Zero;
            for (int p = 0; p < pairs; p++)
            {
                Vector512<short> decay = LookUp(Vector512.Load(rates) + code, table0, table1, table2, table3);
                Vector512<short> h = Step(decay, Vector512.Load(state), v, ((int*)b)[p], half, mask);
                h.Store(state);
                sums += Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(((int*)c)[p]).AsInt16());
                state += lanes;
                rates += lanes;
            }
            Write(sums, Vector512.Load(factors + e), skips + e, target + e, accumulate);
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
    private static void Rescale(short* states, int count, float factor, int shift)
    {
        Vector512<short> half = Vector512.Create((short)(1 << (shift - 1))), mask = Vector512.Create((short)(-1 << shift));
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
