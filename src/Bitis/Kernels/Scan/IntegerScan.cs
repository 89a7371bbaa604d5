using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Scan.Assembled;
using Bitis.Kernels.Scan.StatesInLanes;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Scan;

/// <summary>
/// The selective scan in integers: <c>QuantizedScan</c> defines what it computes, and all forms give the same bits.
/// </summary>
/// <remarks>Ā comes from a table, so there is no exponential. A hidden state is a 16-bit number.</remarks>
internal static unsafe class IntegerScan
{
    private const string Operation = "i16-scan";

    /// <summary>Channels that are prepared together, and the unit of work.</summary>
    public const int ChannelsAtOnce = 64;

    /// <summary>The most bytes of states that go through all tokens together: they stay in the nearest cache.</summary>
    public const int StateBytes = 1 << 14;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<IntegerScanCall>> Table { get; } = new(
        new(Operation, InstructionSet.Avx512Vnni, &RunAvx512Vnni, InstructionSet.Avx512Vbmi),
        new(Operation, InstructionSet.Avx512Vbmi, &RunAvx512Vbmi),
        new(Operation, InstructionSet.Avx2, &RunAvx2),
        new(Operation, InstructionSet.AdvSimd, &RunAdvSimd),
        new(Operation, InstructionSet.Portable, &RunPortable));

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>; the start is a
    /// multiple of 16.
    /// </summary>
    public static void Run(in IntegerScanCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(in call, channelStart, channelEnd);

    private static void RunPortable(in IntegerScanCall call, int channelStart, int channelEnd)
    {
        PackedScan scan = call.Scan;
        int* b = stackalloc int[2 * scan.States], h = stackalloc int[ChannelsAtOnce * scan.States];
        for (int channel = channelStart; channel < channelEnd; channel += ChannelsAtOnce)
            ScanNumbers(scan, in call, channel, Math.Min(channel + ChannelsAtOnce, channelEnd), b, b + scan.States, h);
        GC.KeepAlive(scan);
    }

    /// <summary>Some channels through all tokens, number by number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanNumbers(
        PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, int* b, int* c, int* states)
    {
        int stateCount = scan.States, group = 0, shift = scan.HiddenShift;
        int count = (channelEnd - channelStart) * stateCount;
        new Span<int>(states, count).Clear();
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            QuantizeStates(
                call.B + (row * call.BStride), stateCount, scan.BInverse[t], scan.BMaxLevel, 16 - scan.BBits, b);
            QuantizeStates(call.C + (row * call.CStride), stateCount, scan.CInverse[t], scan.CMaxLevel, shift: 0, c);
            if (scan.Groups[t] != group)
            {
                group = scan.Groups[t];
                float rescale = scan.Rescales[group];
                for (int i = 0; i < count; i++)
                {
                    int rescaled = (int)Levels.Limit(MathF.Round(states[i] * rescale), -32768f, 32767f);
                    states[i] = Level(rescaled, 1 << (shift - 1), shift);
                }
            }
            for (int channel = channelStart; channel < channelEnd; channel++)
            {
                ScanNumber(
                    scan, in call, t, row, group, channel, b, c, states + ((channel - channelStart) * stateCount));
            }
        }
    }

    /// <summary>One token of one channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScanNumber(
        PackedScan scan, in IntegerScanCall call, int token, nint row, int group, int channel, int* b, int* c, int* h)
    {
        DeltaLevels deltaLevels = scan.Delta;
        int states = scan.States, shift = scan.HiddenShift;
        sbyte* rates = scan.RateCodes + ((nint)channel * states);
        byte* decays = scan.DecayTables, deltas = scan.DeltaTables;
        short* offsets = scan.Offsets + ((nint)token * 2 * scan.Pairs);
        float delta = call.Delta[(row * call.DeltaStride) + channel];
        int qDelta = deltaLevels.Of(deltaLevels.IsBeforeSoftplus ? delta : VectorMath.Softplus(delta));
        float u = MathF.Round(call.U[(row * call.UStride) + channel] * scan.UInverse[channel]);
        float qu = Levels.Limit(u, scan.ULow[channel], scan.UHigh[channel]);
        int factor = (group * scan.Channels) + channel, multiple = deltas[qDelta] | (deltas[256 + qDelta] << 8);
        float product = qu * multiple * scan.InputFactors[factor] * scan.BScale[token];
        int v = (int)Levels.Limit(MathF.Round(product), -32768f, 32767f);
        int code = (sbyte)deltas[512 + qDelta], sum = 0;
        for (int n = 0; n < states; n++)
        {
            int index = Math.Clamp(code + rates[n], 0, IntegerScanTables.Codes - 1);
            int decay = decays[index] | (decays[IntegerScanTables.Codes + index] << 8);
            h[n] = Level(Clamp16(Product(decay, h[n]) + Product(v, b[n])), offsets[n], shift);
            sum += h[n] * c[n];
        }
        float y = (sum * scan.OutputFactors[factor] * scan.CScale[token]) + (scan.Skip[channel] * qu);
        float* target = call.Y + (row * call.YStride) + channel;
        *target = call.Accumulate ? *target + y : y;
    }

    /// <summary>The levels of B or C of a token, moved to the left.</summary>
    public static void QuantizeStates(float* values, int states, float inverse, int max, int shift, int* levels)
    {
        for (int n = 0; n < states; n++)
            levels[n] = (int)Levels.Limit(MathF.Round(values[n] * inverse), -max, max) << shift;
    }

    private static int Product(int x, int y) => ((x * y) + (1 << 14)) >> 15;

    private static int Clamp16(int x) => Math.Clamp(x, short.MinValue, short.MaxValue);

    private static int Level(int x, int offset, int shift) => Clamp16(x + offset) & (-1 << shift);

    private static void RunAvx2(in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int whole = WholeBlocks(channelStart, channelEnd);
        IntegerScanAvx2.Run(call.Scan, in call, channelStart, whole);
        RunPortable(in call, whole, channelEnd);
    }

    private static void RunAvx512Vnni(in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int whole = WholeBlocks(channelStart, channelEnd);
        if (IntegerScanVnni.Has(call.Scan))
            IntegerScanVnni.Run(call.Scan, in call, channelStart, whole);
        else
            IntegerScanAvx512Vbmi.Run(call.Scan, in call, channelStart, whole);
        RunPortable(in call, whole, channelEnd);
    }

    private static void RunAvx512Vbmi(in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int whole = WholeBlocks(channelStart, channelEnd);
        IntegerScanAvx512Vbmi.Run(call.Scan, in call, channelStart, whole);
        RunPortable(in call, whole, channelEnd);
    }

    private static void RunAdvSimd(in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int whole = WholeBlocks(channelStart, channelEnd);
        IntegerScanAdvSimd.Run(call.Scan, in call, channelStart, whole);
        RunPortable(in call, whole, channelEnd);
    }

    /// <summary>The end of the channels that fill whole blocks.</summary>
    private static int WholeBlocks(int channelStart, int channelEnd) =>
        Math.Max(channelStart, channelEnd / PackedScan.BlockChannels * PackedScan.BlockChannels);

    /// <summary>The levels of B and C of some tokens, for the forms of 512 bits.</summary>
    /// <param name="scan">The scan's constants.</param>
    /// <param name="call">The operands.</param>
    /// <param name="start">The first token, in the order of the scan.</param>
    /// <param name="count">How many tokens.</param>
    /// <param name="b">Receives B's levels as the upper bits of 16, an even number of states for each token.</param>
    /// <param name="c">Receives C's levels likewise, as they are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void QuantizeStates512(
        PackedScan scan, in IntegerScanCall call, int start, int count, short* b, short* c)
    {
        int states = scan.States, stride = 2 * scan.Pairs, shift = 16 - scan.BBits;
        for (int i = 0; i < count; i++)
        {
            int t = start + i;
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            float* bRow = call.B + (row * call.BStride), cRow = call.C + (row * call.CStride);
            QuantizeStates(bRow, states, scan.BInverse[t], scan.BMaxLevel, shift, b + (i * stride), has512: true);
            QuantizeStates(cRow, states, scan.CInverse[t], scan.CMaxLevel, shift: 0, c + (i * stride), has512: true);
        }
    }

    /// <summary>The levels of B or C of a token, in the upper bits.</summary>
    /// <param name="values">As many as there are states.</param>
    /// <param name="states">How many.</param>
    /// <param name="inverse">The factor of the values.</param>
    /// <param name="max">The highest level; the lowest is −max.</param>
    /// <param name="shift">How far the levels are moved to the left.</param>
    /// <param name="levels">As many as there are states.</param>
    /// <param name="has512">Whether the form of the scan is for AVX-512; else it is for AVX2.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void QuantizeStates(
        float* values, int states, float inverse, int max, int shift, short* levels, bool has512)
    {
        int n = 0;
        for (; has512 && n + 16 <= states; n += 16)
        {
            Vector512<float> level = Vector512.Round(Vector512.Load(values + n) * Vector512.Create(inverse));
            // In this order of operands NaN becomes the lowest level.
            level = Avx512F.Min(Avx512F.Max(level, Vector512.Create((float)-max)), Vector512.Create((float)max));
            Avx512F.ConvertToVector256Int16(Vector512.ConvertToInt32Native(level) << shift).Store(levels + n);
        }
        for (; n + 8 <= states; n += 8)
        {
            Vector256<float> level = Vector256.Round(Vector256.Load(values + n) * Vector256.Create(inverse));
            level = Avx.Min(Avx.Max(level, Vector256.Create((float)-max)), Vector256.Create((float)max));
            Vector256<int> whole = Vector256.ConvertToInt32Native(level) << shift;
            Vector128.Narrow(whole.GetLower(), whole.GetUpper()).Store(levels + n);
        }
        for (; n < states; n++)
            levels[n] = (short)((int)Levels.Limit(MathF.Round(values[n] * inverse), -max, max) << shift);
    }
}
