using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Scan;

/// <summary>The form of <see cref="IntegerScan"/> for processors without permutations of whole tables.</summary>
/// <remarks>
/// A register of 256 bits holds 8 channels of two states as 16-bit numbers, or of four states as bytes, in the order of
/// <see cref="PackedScan.RateLanes"/>. Ā is looked up in eight tables of 16 bytes, one for each value of a code's upper
/// bits. What makes the other tables give 0 is that a byte shuffle does so where an index has its highest bit:
/// <code>
///   code ⊕ 16·k        0 to 15 where the code belongs to table k, else 16 to 127
///   … + 0x70           0x70 to 0x7F there, with the lower bits as they were; else 0x80 and more
/// </code>
/// </remarks>
internal static unsafe class IntegerScanAvx2
{
    private const int Channels = PackedScan.BlockChannels, HalfChannels = Channels / 2;
    private const int TableBytes = 16, Tables = IntegerScanTables.Codes / TableBytes;

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>, both multiples
    /// of 16.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int pairs = scan.Pairs, pass = Math.Max(1, IntegerScan.StateBytes / (Channels * 4 * pairs)) * Channels;
        byte* memory = stackalloc byte[Scratch.Bytes(pass, pairs) + 32];
        var scratch = new Scratch((byte*)(((nint)memory + 31) & -32), pass, pairs, scan);
        // The lower bytes' tables, then the upper ones', each in both halves of a register.
        for (int i = 0; i < 2 * Tables; i++)
        {
            Vector128<byte> table = Vector128.Load(scan.DecayTables + (TableBytes * i));
            Vector256.Create(table, table).Store(scratch.Decays + (2 * TableBytes * i));
        }
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
        new Span<short>(scratch.B, 2 * pairs).Clear(); // an odd state's neighbour
        for (int t = 0; t < call.Tokens; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            IntegerScan.QuantizeStates(
                call.B + (row * call.BStride),
                scan.States,
                scan.BInverse[t],
                scan.BMaxLevel,
                16 - scan.BBits,
                scratch.B,
                has512: false);
            IntegerScan.QuantizeStates(
                call.C + (row * call.CStride),
                scan.States,
                scan.CInverse[t],
                scan.CMaxLevel,
                shift: 0,
                scratch.C,
                has512: false);
            if (groups[t] != group)
                Rescale(scratch.States, states, scan.Rescales[groups[t]], scan.HiddenShift);
            group = groups[t];
            short* state = scratch.States;
            for (int channel = channelStart; channel < channelEnd; channel += Channels, state += Channels * 2 * pairs)
            {
                Prepare(scan, in call, t, row, channel, in scratch);
                float* target = call.Y + (row * call.YStride) + channel;
                for (int half = 0; half < 2; half++)
                {
                    ScanHalf(
                        scan,
                        t,
                        channel,
                        half,
                        state + (half * 2 * HalfChannels),
                        in scratch,
                        target + (half * HalfChannels),
                        call.Accumulate);
                }
            }
        }
    }

    /// <summary>v, codeΔ and D·u of 16 channels: see <see cref="Scratch"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prepare(
        PackedScan scan, in IntegerScanCall call, int token, nint row, int channel, in Scratch scratch)
    {
        DeltaLevels deltaLevels = scan.Delta;
        float* x = call.Delta + (row * call.DeltaStride) + channel, u = call.U + (row * call.UStride) + channel;
        float* inputs = scratch.Inputs;
        byte* tables = scan.DeltaTables;
        int* levels = scratch.Levels;
        if (!deltaLevels.IsBeforeSoftplus)
        {
            Elementwise.Softplus.Best.Run(x, inputs, Channels);
            x = inputs;
        }
        Vector256<float> lowest = Vector256.Create(deltaLevels.Lowest);
        Vector256<float> inverse = Vector256.Create(deltaLevels.InverseScale);
        Vector256<float> max = Vector256.Create((float)deltaLevels.MaxLevel);
        // Levels index tables. Avx.Max and Min give their second operand where the first is NaN, so NaN becomes the
        // lowest level. Vector256.Max and Min would pass NaN on to a conversion that gives int.MinValue.
        for (int e = 0; e < Channels; e += HalfChannels)
        {
            Vector256<float> level = Avx.Min(
                Avx.Max((Vector256.Load(x + e) - lowest) * inverse, Vector256<float>.Zero), max);
            Avx.ConvertToVector256Int32(level).Store(levels + e);
        }
        for (int e = 0; e < Channels; e++)
        {
            int level = levels[e];
            scratch.Codes[e] = (ushort)(tables[512 + level] * 0x0101); // for two states
            levels[e] = tables[level] | (tables[256 + level] << 8);
        }
        float* factors = scan.InputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel;
        Vector256<float> bScale = Vector256.Create(scan.BScale[token]), highest = Vector256.Create(32767f);
        Vector256<float> smallest = Vector256.Create(-32768f);
        for (int e = 0; e < Channels; e += HalfChannels)
        {
            Vector256<float> qu = Vector256.Round(Vector256.Load(u + e) * Vector256.Load(scan.UInverse + channel + e));
            qu = Avx.Min(
                Avx.Max(qu, Vector256.Load(scan.ULow + channel + e)), Vector256.Load(scan.UHigh + channel + e));
            Vector256<float> product =
                qu * Vector256.ConvertToSingle(Vector256.Load(levels + e)) * Vector256.Load(factors + e) * bScale;
            Vector256<int> v = Avx.ConvertToVector256Int32(Avx.Min(Avx.Max(product, smallest), highest));
            ((v & Vector256.Create(0xFFFF)) | (v << 16)).Store(scratch.V + e);
            (Vector256.Load(scan.Skip + channel + e) * qu).Store(scratch.Skips + e);
        }
    }

    /// <summary>One token of 8 channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanHalf(
        PackedScan scan,
        int token,
        int channel,
        int half,
        short* state,
        in Scratch scratch,
        float* target,
        bool accumulate)
    {
        int pairs = scan.Pairs;
        sbyte* rates = scan.RateLanes + ((nint)channel * PackedScan.BlockStates * ((pairs + 1) / 2));
        rates += half * Vector256<byte>.Count;
        byte* decays = scratch.Decays;
        int* b = (int*)scratch.B, c = (int*)scratch.C, offsets = (int*)(scan.Offsets + ((nint)token * 2 * pairs));
        Vector256<short> v = Vector256.Load(scratch.V + (half * HalfChannels)).AsInt16();
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        // Four channels' codes for two states fill 8 bytes. The next two states need them, too.
        Vector256<sbyte> code = Avx2.Permute4x64(
            Vector128.Load((ulong*)scratch.Codes + (2 * half)).ToVector256(), 0b_01_01_00_00).AsSByte();
        Vector256<int> sums = Vector256<int>.Zero;
        for (int p = 0; p < pairs; p += 2)
        {
            Vector256<byte> index = Vector256.Max(
                Avx2.AddSaturate(Vector256.Load(rates), code), Vector256<sbyte>.Zero).AsByte();
            Vector256<byte> lows = Vector256<byte>.Zero, highs = lows;
            for (int k = scratch.FirstTable; k <= scratch.LastTable; k++)
            {
                Vector256<byte> order = Avx2.AddSaturate(
                    index ^ Vector256.Create((byte)(k << 4)), Vector256.Create((byte)0x70));
                lows |= Avx2.Shuffle(Vector256.Load(decays + (2 * TableBytes * k)), order);
                highs |= Avx2.Shuffle(Vector256.Load(decays + (2 * TableBytes * (Tables + k))), order);
            }
            Vector256<short> h = UpdateState(
                Avx2.UnpackLow(lows, highs), Vector256.Load(state), v, b[p], offsets[p], mask);
            h.Store(state);
            sums += Avx2.MultiplyAddAdjacent(h, Vector256.Create(c[p]).AsInt16());
            if (p + 1 < pairs)
            {
                h = UpdateState(
                    Avx2.UnpackHigh(lows, highs),
                    Vector256.Load(state + (2 * Channels)),
                    v,
                    b[p + 1],
                    offsets[p + 1],
                    mask);
                h.Store(state + (2 * Channels));
                sums += Avx2.MultiplyAddAdjacent(h, Vector256.Create(c[p + 1]).AsInt16());
            }
            state += 4 * Channels;
            rates += 2 * Vector256<sbyte>.Count;
        }
        float* factors =
            scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel + (half * HalfChannels);
        Vector256<float> y = Vector256.ConvertToSingle(sums) * Vector256.Load(factors);
        y = (y * Vector256.Create(scan.CScale[token])) + Vector256.Load(scratch.Skips + (half * HalfChannels));
        (accumulate ? Vector256.Load(target) + y : y).Store(target);
    }

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> UpdateState(
        Vector256<byte> decay, Vector256<short> h, Vector256<short> v, int b, int offset, Vector256<short> mask)
    {
        Vector256<short> input = Avx2.MultiplyHighRoundScale(v, Vector256.Create(b).AsInt16());
        Vector256<short> sum = Avx2.AddSaturate(Avx2.MultiplyHighRoundScale(decay.AsInt16(), h), input);
        return Avx2.AddSaturate(sum, Vector256.Create(offset).AsInt16()) & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rescale(short* states, int count, float factor, int shift)
    {
        Vector256<short> half = Vector256.Create((short)(1 << (shift - 1)));
        Vector256<short> mask = Vector256.Create((short)(-1 << shift));
        Vector256<float> lowest = Vector256.Create(-32768f), highest = Vector256.Create(32767f);
        Vector256<float> scale = Vector256.Create(factor);
        for (int i = 0; i < count; i += Vector256<short>.Count)
        {
            (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.Load(states + i));
            Vector256<float> x = Avx.Min(
                Avx.Max(Vector256.Round(Vector256.ConvertToSingle(low) * scale), lowest), highest);
            Vector256<float> y = Avx.Min(
                Avx.Max(Vector256.Round(Vector256.ConvertToSingle(high) * scale), lowest), highest);
            Vector256<short> h = Vector256.Narrow(Avx.ConvertToVector256Int32(x), Avx.ConvertToVector256Int32(y));
            (Avx2.AddSaturate(h, half) & mask).Store(states + i);
        }
    }

    /// <summary>
    /// Scratch memory for some channels: their states, and the prepared values of a token for 16 channels.
    /// </summary>
    private readonly struct Scratch
    {
        /// <summary>Divides a block of memory.</summary>
        public Scratch(byte* memory, int channels, int pairs, PackedScan scan)
        {
            (FirstTable, LastTable) = (scan.FirstCode / TableBytes, scan.LastCode / TableBytes);
            Decays = memory;
            States = (short*)(memory + (4 * TableBytes * Tables));
            V = (int*)(States + (channels * 2 * pairs));
            Levels = V + Channels;
            Inputs = (float*)(Levels + Channels);
            Skips = Inputs + Channels;
            Codes = (ushort*)(Skips + Channels);
            B = (short*)(Codes + Channels);
            C = B + (2 * pairs);
        }

        /// <summary>How much memory it takes.</summary>
        public static int Bytes(int channels, int pairs)
        {
            int tables = 4 * TableBytes * Tables, token = Channels * ((4 * sizeof(int)) + sizeof(ushort));
            return tables + (channels * 4 * pairs) + token + (8 * pairs);
        }

        /// <summary>The tables of Ā, each twice: eight of lower bytes, eight of upper ones.</summary>
        public readonly byte* Decays;

        /// <summary>The first and the last table that a code of the scan may need.</summary>
        public readonly int FirstTable, LastTable;

        /// <summary>h, in registers of 8 channels of two states.</summary>
        public readonly short* States;

        /// <summary>v of each channel, twice.</summary>
        public readonly int* V;

        /// <summary>The levels of Δ, then their multiples of Δ's unit.</summary>
        public readonly int* Levels;

        /// <summary>Δ, where its levels are those after the softplus.</summary>
        public readonly float* Inputs;

        /// <summary>D·u.</summary>
        public readonly float* Skips;

        /// <summary>codeΔ of each channel, twice.</summary>
        public readonly ushort* Codes;

        /// <summary>The levels of B, as the upper bits of 16.</summary>
        public readonly short* B;

        /// <summary>The levels of C.</summary>
        public readonly short* C;
    }
}
