using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Bitis.Kernels.Activations;

namespace Bitis.Kernels.Scan;

/// <summary>The form of <see cref="IntegerScan"/> for ARM.</summary>
/// <remarks>
/// A register of 128 bits holds 4 channels of two states as 16-bit numbers, or of four states as bytes, in the order of
/// <see cref="PackedScan.RateLanes"/>. Ā is looked up in tables of 64 bytes, each in four registers. An index beyond
/// the table gives 0, or leaves what is there:
/// <code>
///   code            0 to 63 where the code belongs to the first table, else 64 to 127
///   code ⊕ 64       0 to 63 where it belongs to the second one
///
///   registers       16 tables + v, code, mask, 2 sums + 6 of a step of 32
/// </code>
/// </remarks>
internal static unsafe class IntegerScanAdvSimd
{
    private const int Channels = PackedScan.BlockChannels, QuarterChannels = Channels / 4;

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>, both multiples
    /// of 16.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int pairs = scan.Pairs, pass = Math.Max(1, IntegerScan.StateBytes / (Channels * 4 * pairs)) * Channels;
        byte* memory = stackalloc byte[Scratch.Bytes(pass, pairs) + 15];
        var scratch = new Scratch((byte*)(((nint)memory + 15) & -16), pass, pairs);
        for (int channel = channelStart; channel < channelEnd; channel += pass)
            ScanChannels(scan, in call, channel, Math.Min(channel + pass, channelEnd), in scratch);
    }

    /// <summary>Some channels through all tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanChannels(
        PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, in Scratch scratch)
    {
        int pairs = scan.Pairs, group = 0, states = (channelEnd - channelStart) * 2 * pairs;
        int* groups = scan.Groups;
        new Span<short>(scratch.States, states).Clear();
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            float* b = call.B + (row * call.BStride), c = call.C + (row * call.CStride);
            IntegerScan.QuantizeStates(
                b, scan.States, scan.BInverse[t], scan.BMaxLevel, 16 - scan.BBits, scratch.Levels);
            SpreadPairs(scratch.Levels, scan.States, scratch.B);
            IntegerScan.QuantizeStates(c, scan.States, scan.CInverse[t], scan.CMaxLevel, shift: 0, scratch.Levels);
            SpreadPairs(scratch.Levels, scan.States, scratch.C);
            int* offsets = (int*)(scan.Offsets + ((nint)t * 2 * pairs));
            for (int p = 0; p < pairs; p++)
                Vector128.Create(offsets[p]).StoreAligned(scratch.Offsets + (4 * p));
            if (groups[t] != group)
                Rescale(scratch.States, states, scan.Rescales[groups[t]], scan.HiddenShift);
            group = groups[t];
            short* state = scratch.States;
            for (int channel = channelStart; channel < channelEnd; channel += Channels, state += Channels * 2 * pairs)
            {
                Prepare(scan, in call, t, row, channel, in scratch);
                ScanBlock(
                    scan, t, channel, state, in scratch, call.Y + (row * call.YStride) + channel, call.Accumulate);
            }
        }
    }

    /// <summary>Fills a register with each pair of levels, and the last odd one with 0.</summary>
    private static void SpreadPairs(int* levels, int count, int* target)
    {
        for (int n = 0; n < count; n += 2, target += 4)
        {
            int second = n + 1 < count ? levels[n + 1] : 0;
            Vector128.Create((levels[n] & 0xFFFF) | (second << 16)).StoreAligned(target);
        }
    }

    /// <summary>v, codeΔ and D·u of 16 channels: see <see cref="Scratch"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prepare(
        PackedScan scan, in IntegerScanCall call, int token, nint row, int channel, in Scratch scratch)
    {
        DeltaLevels deltaLevels = scan.Delta;
        float* x = call.Delta + (row * call.DeltaStride) + channel, u = call.U + (row * call.UStride) + channel;
        byte* tables = scan.DeltaTables;
        int* multiples = scratch.Multiples;
        if (!deltaLevels.IsBeforeSoftplus)
        {
            Elementwise.Softplus.Best.Run(x, scratch.Inputs, Channels);
            x = scratch.Inputs;
        }
        Vector128<float> lowest = Vector128.Create(deltaLevels.Lowest);
        Vector128<float> inverse = Vector128.Create(deltaLevels.InverseScale);
        Vector128<float> max = Vector128.Create((float)deltaLevels.MaxLevel);
        for (int e = 0; e < Channels; e += QuarterChannels)
        {
            Vector128<float> level = Limit((Vector128.Load(x + e) - lowest) * inverse, Vector128<float>.Zero, max);
            AdvSimd.ConvertToInt32RoundToEven(level).Store(multiples + e);
        }
        for (int e = 0; e < Channels; e++)
        {
            int level = multiples[e];
            scratch.Codes[e] = (ushort)(tables[512 + level] * 0x0101); // for two states
            multiples[e] = tables[level] | (tables[256 + level] << 8);
        }
        float* factors = scan.InputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel;
        Vector128<float> bScale = Vector128.Create(scan.BScale[token]);
        for (int e = 0; e < Channels; e += QuarterChannels)
        {
            Vector128<float> qu = Limit(
                Vector128.Round(Vector128.Load(u + e) * Vector128.Load(scan.UInverse + channel + e)),
                Vector128.Load(scan.ULow + channel + e),
                Vector128.Load(scan.UHigh + channel + e));
            Vector128<float> product =
                qu * Vector128.ConvertToSingle(Vector128.Load(multiples + e)) * Vector128.Load(factors + e) * bScale;
            Vector128<int> v = AdvSimd.ConvertToInt32RoundToEven(LimitTo16Bits(product));
            ((v & Vector128.Create(0xFFFF)) | (v << 16)).Store(scratch.V + e);
            (Vector128.Load(scan.Skip + channel + e) * qu).Store(scratch.Skips + e);
        }
    }

    /// <summary>One token of 16 channels, four at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanBlock(
        PackedScan scan, int token, int channel, short* states, in Scratch scratch, float* target, bool accumulate)
    {
        byte* decays = scan.DecayTables;
        // Loaded first, so that the registers of each table are neighbours.
        (Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>) firstLows = Table(decays),
            lastLows = Table(decays + 64), firstHighs = Table(decays + 128), lastHighs = Table(decays + 192);
        int pairs = scan.Pairs;
        sbyte* blockRates = scan.RateLanes + ((nint)channel * PackedScan.BlockStates * ((pairs + 1) / 2));
        float* factors = scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel;
        Vector128<float> scale = Vector128.Create(scan.CScale[token]);
        Vector128<short> mask = Vector128.Create((short)(-1 << scan.HiddenShift));
        for (int e = 0; e < Channels; e += QuarterChannels)
        {
            sbyte* rates = blockRates + (e * PackedScan.BlockStates);
            short* state = states + (2 * e);
            int* b = scratch.B, c = scratch.C, offsets = scratch.Offsets;
            Vector128<short> v = Vector128.Load(scratch.V + e).AsInt16();
            // Four channels' codes for two states fill 8 bytes. The next two states need them, too.
            Vector128<sbyte> code = Vector128.Create(*(ulong*)(scratch.Codes + e)).AsSByte();
            Vector128<int> sums0 = Vector128<int>.Zero, sums1 = sums0;
            for (int p = 0; p < pairs; p += 2)
            {
                Vector128<byte> index = Vector128.Max(
                    AdvSimd.AddSaturate(Vector128.Load(rates), code), Vector128<sbyte>.Zero).AsByte();
                Vector128<byte> other = index ^ Vector128.Create((byte)64);
                Vector128<byte> lows = AdvSimd.Arm64.VectorTableLookupExtension(
                    AdvSimd.Arm64.VectorTableLookup(firstLows, index), lastLows, other);
                Vector128<byte> highs = AdvSimd.Arm64.VectorTableLookupExtension(
                    AdvSimd.Arm64.VectorTableLookup(firstHighs, index), lastHighs, other);
                Vector128<short> h = UpdateState(
                    AdvSimd.Arm64.ZipLow(lows, highs), Vector128.Load(state), v, b, offsets, mask);
                h.Store(state);
                AddProducts(ref sums0, ref sums1, h, c);
                if (p + 1 < pairs)
                {
                    h = UpdateState(
                        AdvSimd.Arm64.ZipHigh(lows, highs),
                        Vector128.Load(state + (2 * Channels)),
                        v,
                        b + 4,
                        offsets + 4,
                        mask);
                    h.Store(state + (2 * Channels));
                    AddProducts(ref sums0, ref sums1, h, c + 4);
                }
                state += 4 * Channels;
                rates += Channels * PackedScan.BlockStates;
                b += 8;
                c += 8;
                offsets += 8;
            }
            Vector128<float> y = Vector128.ConvertToSingle(AdvSimd.Arm64.AddPairwise(sums0, sums1));
            y = (y * Vector128.Load(factors + e) * scale) + Vector128.Load(scratch.Skips + e);
            (accumulate ? Vector128.Load(target + e) + y : y).Store(target + e);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>) Table(byte* source) => (
        Vector128.Load(source),
        Vector128.Load(source + 16),
        Vector128.Load(source + 32),
        Vector128.Load(source + 48));

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> UpdateState(
        Vector128<byte> decay, Vector128<short> h, Vector128<short> v, int* b, int* offset, Vector128<short> mask)
    {
        Vector128<short> input = AdvSimd.MultiplyRoundedDoublingSaturateHigh(v, Vector128.Load((short*)b));
        Vector128<short> sum = AdvSimd.AddSaturate(
            AdvSimd.MultiplyRoundedDoublingSaturateHigh(decay.AsInt16(), h), input);
        return AdvSimd.AddSaturate(sum, Vector128.Load((short*)offset)) & mask;
    }

    /// <summary>Adds C·h: the states of two channels to each register of sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(ref Vector128<int> sums0, ref Vector128<int> sums1, Vector128<short> h, int* c)
    {
        Vector128<short> factors = Vector128.Load((short*)c);
        sums0 = AdvSimd.MultiplyWideningLowerAndAdd(sums0, h.GetLower(), factors.GetLower());
        sums1 = AdvSimd.MultiplyWideningUpperAndAdd(sums1, h, factors);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rescale(short* states, int count, float factor, int shift)
    {
        Vector128<short> half = Vector128.Create((short)(1 << (shift - 1)));
        Vector128<short> mask = Vector128.Create((short)(-1 << shift));
        Vector128<float> scale = Vector128.Create(factor);
        for (int i = 0; i < count; i += Vector128<short>.Count)
        {
            (Vector128<int> low, Vector128<int> high) = Vector128.Widen(Vector128.Load(states + i));
            Vector128<short> h = Vector128.Narrow(
                AdvSimd.ConvertToInt32RoundToEven(LimitTo16Bits(Vector128.ConvertToSingle(low) * scale)),
                AdvSimd.ConvertToInt32RoundToEven(LimitTo16Bits(Vector128.ConvertToSingle(high) * scale)));
            (AdvSimd.AddSaturate(h, half) & mask).Store(states + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LimitTo16Bits(Vector128<float> x) =>
        Limit(x, Vector128.Create(-32768f), Vector128.Create(32767f));

    /// <summary>x between two bounds; NaN becomes the lower one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Limit(Vector128<float> x, Vector128<float> low, Vector128<float> high)
    {
        x = Vector128.ConditionalSelect(Vector128.GreaterThan(x, low), x, low);
        return Vector128.ConditionalSelect(Vector128.LessThan(x, high), x, high);
    }

    /// <summary>
    /// Scratch memory for some channels: their states, the operands of a token, and its prepared values for 16
    /// channels.
    /// </summary>
    private readonly struct Scratch
    {
        /// <summary>Divides a block of memory.</summary>
        public Scratch(byte* memory, int channels, int pairs)
        {
            B = (int*)memory;
            C = B + (4 * pairs);
            Offsets = C + (4 * pairs);
            States = (short*)(Offsets + (4 * pairs));
            V = (int*)(States + (channels * 2 * pairs));
            Multiples = V + Channels;
            Inputs = (float*)(Multiples + Channels);
            Skips = Inputs + Channels;
            Codes = (ushort*)(Skips + Channels);
            Levels = (int*)(Codes + Channels);
        }

        /// <summary>How much memory it takes.</summary>
        public static int Bytes(int channels, int pairs) =>
            (((3 * 16) + 8 + (channels * 4)) * pairs) + (Channels * ((4 * sizeof(int)) + sizeof(ushort)));

        /// <summary>The pairs of B's levels, as the upper bits of 16: a register of each.</summary>
        public readonly int* B;

        /// <summary>The pairs of C's levels: a register of each.</summary>
        public readonly int* C;

        /// <summary>The pairs of what is added to h before its lower bits are cut off: a register of each.</summary>
        public readonly int* Offsets;

        /// <summary>The levels of B or C.</summary>
        public readonly int* Levels;

        /// <summary>h, in registers of 4 channels of two states.</summary>
        public readonly short* States;

        /// <summary>v of each channel, twice.</summary>
        public readonly int* V;

        /// <summary>The levels of Δ, then their multiples of Δ's unit.</summary>
        public readonly int* Multiples;

        /// <summary>Δ, where its levels are those after the softplus.</summary>
        public readonly float* Inputs;

        /// <summary>D·u.</summary>
        public readonly float* Skips;

        /// <summary>codeΔ of each channel, twice.</summary>
        public readonly ushort* Codes;
    }
}
