using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Scan;

/// <summary>
/// The form of <see cref="IntegerScan"/> for processors that permute whole tables of bytes (AVX-512 VBMI).
/// </summary>
/// <remarks>
/// A register of 512 bits holds 16 channels of two states as 16-bit numbers, or of four states as bytes:
/// <code>
///   code      codeΔ[e] + codeA           64 bytes: an addition that saturates at 127, a maximum with 0
///   Ā         table of 128 by code       a permutation of 128 bytes for the lower bytes, one for the upper ones,
///                                        two unpackings
///   h         Ā ∗ h + v[e] ∗ B[n]        rounding high products, saturating sum; an offset, and the lower bits cut off
///   sums      h·C[n] + h·C[n+1]          one multiply-add of neighbours into 16 sums of 32 bits
/// </code>
/// </remarks>
internal static unsafe class IntegerScanAvx512Vbmi
{
    private const int ChannelsAtOnce = IntegerScan.ChannelsAtOnce;

    private const int ChunkTokens = Avx512ScanScratch.ChunkTokens;

    private const int CodeBytes = Avx512ScanScratch.CodeBytes, InputLanes = Avx512ScanScratch.InputLanes;

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>, both multiples
    /// of 16.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int pairs = scan.Pairs;
        // B and C are quantized once for so many channels.
        int pass = Math.Max(1, IntegerScan.StateBytes / (ChannelsAtOnce * 4 * pairs)) * ChannelsAtOnce;
        byte* memory = stackalloc byte[Avx512ScanScratch.Bytes(pass, pairs) + 64];
        var scratch = new Avx512ScanScratch((byte*)(((nint)memory + 63) & -64), pass, pairs);
        for (int channel = channelStart; channel < channelEnd; channel += pass)
            ScanChannels(scan, in call, channel, Math.Min(channel + pass, channelEnd), in scratch);
    }

    /// <summary>Computes some channels through all tokens, a few tokens at a time.</summary>
    /// <remarks>
    /// What does not depend on the states comes first, so that its long chains of operations overlap. The recurrence
    /// follows.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanChannels(
        PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, in Avx512ScanScratch scratch)
    {
        int pairs = scan.Pairs, group = 0, states = (channelEnd - channelStart) * 2 * pairs;
        int* groups = scan.Groups;
        new Span<short>(scratch.States, states).Clear();
        new Span<short>(scratch.B, ChunkTokens * 4 * pairs).Clear(); // an odd state's neighbour
        for (int start = 0, count; start < call.Tokens; start += count)
        {
            count = 1;
            while (count < ChunkTokens && start + count < call.Tokens && groups[start + count] == groups[start])
                count++;
            IntegerScan.QuantizeStates512(scan, in call, start, count, scratch.B, scratch.C);
            if (groups[start] != group)
                Rescale(scratch.States, states, scan.Rescales[groups[start]], scan.HiddenShift);
            group = groups[start];
            short* state = scratch.States;
            for (int channel = channelStart; channel < channelEnd; channel += ChannelsAtOnce)
            {
                int channels = Math.Min(ChannelsAtOnce, channelEnd - channel);
                ScanChunk(scan, in call, start, count, channel, channels, state, in scratch);
                state += channels * 2 * pairs;
            }
        }
    }

    /// <summary>A few tokens of a few channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanChunk(
        PackedScan scan,
        in IntegerScanCall call,
        int start,
        int count,
        int channelStart,
        int channels,
        short* state,
        in Avx512ScanScratch scratch)
    {
        nint first = call.Reverse ? call.Tokens - 1 - start : start, direction = call.Reverse ? -1 : 1;
        Avx512ScanTokens.Quantize(scan, in call, first, direction, count, channelStart, channels, in scratch);
        Avx512ScanTokens.Prepare(scan, start, count, channelStart, channels, in scratch);
        float* target = call.Y + (first * call.YStride) + channelStart;
        nint targetStride = direction * call.YStride;
        if (count == ChunkTokens)
        {
            ScanTokens(scan, start, channelStart, channels, state, in scratch, target, targetStride, call.Accumulate);
            return;
        }
        for (int i = 0; i < count; i++)
        {
            ScanToken(
                scan,
                start + i,
                channelStart,
                channels,
                state,
                in scratch,
                i,
                target + (i * targetStride),
                call.Accumulate);
        }
    }

    /// <summary>The recurrence of four tokens: a register of states serves all of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokens(
        PackedScan scan,
        int token,
        int channelStart,
        int channels,
        short* state,
        in Avx512ScanScratch scratch,
        float* target,
        nint targetStride,
        bool accumulate)
    {
        int pairs = scan.Pairs, shift = scan.HiddenShift;
        nint row = pairs;
        sbyte* rates = scan.RateLanes + ((nint)channelStart * PackedScan.BlockStates * ((pairs + 1) / 2));
        float* factors = scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channelStart;
        float* cScale = scan.CScale + token;
        short* v = scratch.V;
        sbyte* codes = (sbyte*)scratch.Codes;
        float* skips = scratch.Skips;
        byte* decays = scan.DecayTables;
        Vector512<byte> low0 = Vector512.Load(decays), low1 = Vector512.Load(decays + 64);
        Vector512<byte> high0 = Vector512.Load(decays + 128), high1 = Vector512.Load(decays + 192);
        Vector512<short> mask = Vector512.Create((short)(-1 << shift));
        int* offsets = (int*)(scan.Offsets + ((nint)token * 2 * pairs));
        for (int e = 0; e < channels; e += PackedScan.BlockChannels)
        {
            Vector512<short> v0 = Vector512.Load(v), v1 = Vector512.Load(v + InputLanes);
            Vector512<short> v2 = Vector512.Load(v + (2 * InputLanes)), v3 = Vector512.Load(v + (3 * InputLanes));
            Vector512<sbyte> code0 = Vector512.Load(codes), code1 = Vector512.Load(codes + CodeBytes);
            Vector512<sbyte> code2 = Vector512.Load(codes + (2 * CodeBytes));
            Vector512<sbyte> code3 = Vector512.Load(codes + (3 * CodeBytes));
            Vector512<int> sums0 = Vector512<int>.Zero, sums1 = sums0, sums2 = sums0, sums3 = sums0;
            int* b = (int*)scratch.B, c = (int*)scratch.C, o = offsets;
            int p = 0;
            for (; p + 2 <= pairs; p += 2)
            {
                Vector512<sbyte> rate = Vector512.Load(rates);
                Vector512<byte> index0 = Index(rate, code0), index1 = Index(rate, code1), index2 = Index(rate, code2);
                Vector512<byte> index3 = Index(rate, code3);
                Vector512<byte> lows0 = Avx512Vbmi.PermuteVar64x8x2(low0, index0, low1);
                Vector512<byte> highs0 = Avx512Vbmi.PermuteVar64x8x2(high0, index0, high1);
                Vector512<byte> lows1 = Avx512Vbmi.PermuteVar64x8x2(low0, index1, low1);
                Vector512<byte> highs1 = Avx512Vbmi.PermuteVar64x8x2(high0, index1, high1);
                Vector512<byte> lows2 = Avx512Vbmi.PermuteVar64x8x2(low0, index2, low1);
                Vector512<byte> highs2 = Avx512Vbmi.PermuteVar64x8x2(high0, index2, high1);
                Vector512<byte> lows3 = Avx512Vbmi.PermuteVar64x8x2(low0, index3, low1);
                Vector512<byte> highs3 = Avx512Vbmi.PermuteVar64x8x2(high0, index3, high1);
                Vector512<short> h = Vector512.Load(state), g = Vector512.Load(state + (2 * PackedScan.BlockChannels));
                h = UpdateState(Avx512BW.UnpackLow(lows0, highs0), h, v0, b, o, mask);
                g = UpdateState(Avx512BW.UnpackHigh(lows0, highs0), g, v0, b + 1, o + 1, mask);
                sums0 = sums0 + Sum(h, c) + Sum(g, c + 1);
                h = UpdateState(Avx512BW.UnpackLow(lows1, highs1), h, v1, b + row, o + row, mask);
                g = UpdateState(Avx512BW.UnpackHigh(lows1, highs1), g, v1, b + row + 1, o + row + 1, mask);
                sums1 = sums1 + Sum(h, c + row) + Sum(g, c + row + 1);
                h = UpdateState(Avx512BW.UnpackLow(lows2, highs2), h, v2, b + (2 * row), o + (2 * row), mask);
                g = UpdateState(Avx512BW.UnpackHigh(lows2, highs2), g, v2, b + (2 * row) + 1, o + (2 * row) + 1, mask);
                sums2 = sums2 + Sum(h, c + (2 * row)) + Sum(g, c + (2 * row) + 1);
                h = UpdateState(Avx512BW.UnpackLow(lows3, highs3), h, v3, b + (3 * row), o + (3 * row), mask);
                g = UpdateState(Avx512BW.UnpackHigh(lows3, highs3), g, v3, b + (3 * row) + 1, o + (3 * row) + 1, mask);
                sums3 = sums3 + Sum(h, c + (3 * row)) + Sum(g, c + (3 * row) + 1);
                h.Store(state);
                g.Store(state + (2 * PackedScan.BlockChannels));
                state += 4 * PackedScan.BlockChannels;
                rates += Vector512<sbyte>.Count;
                b += 2;
                c += 2;
                o += 2;
            }
            if (p < pairs)
            {
                Vector512<sbyte> rate = Vector512.Load(rates);
                Vector512<byte> index0 = Index(rate, code0), index1 = Index(rate, code1), index2 = Index(rate, code2);
                Vector512<byte> index3 = Index(rate, code3);
                Vector512<short> h = Vector512.Load(state);
                h = UpdateState(LookUp(index0, low0, low1, high0, high1), h, v0, b, o, mask);
                sums0 += Sum(h, c);
                h = UpdateState(LookUp(index1, low0, low1, high0, high1), h, v1, b + row, o + row, mask);
                sums1 += Sum(h, c + row);
                h = UpdateState(LookUp(index2, low0, low1, high0, high1), h, v2, b + (2 * row), o + (2 * row), mask);
                sums2 += Sum(h, c + (2 * row));
                h = UpdateState(LookUp(index3, low0, low1, high0, high1), h, v3, b + (3 * row), o + (3 * row), mask);
                sums3 += Sum(h, c + (3 * row));
                h.Store(state);
                state += 2 * PackedScan.BlockChannels;
                rates += Vector512<sbyte>.Count;
            }
            Vector512<float> factor = Vector512.Load(factors + e);
            Write(sums0, factor, cScale[0], skips + e, target + e, accumulate);
            Write(sums1, factor, cScale[1], skips + ChannelsAtOnce + e, target + targetStride + e, accumulate);
            Write(
                sums2,
                factor,
                cScale[2],
                skips + (2 * ChannelsAtOnce) + e,
                target + (2 * targetStride) + e,
                accumulate);
            Write(
                sums3,
                factor,
                cScale[3],
                skips + (3 * ChannelsAtOnce) + e,
                target + (3 * targetStride) + e,
                accumulate);
            v += 2 * PackedScan.BlockChannels;
            codes += PackedScan.BlockStates * PackedScan.BlockChannels;
        }
    }

    /// <summary>The recurrence of one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanToken(
        PackedScan scan,
        int token,
        int channelStart,
        int channels,
        short* state,
        in Avx512ScanScratch scratch,
        int i,
        float* target,
        bool accumulate)
    {
        int pairs = scan.Pairs, shift = scan.HiddenShift;
        sbyte* rates = scan.RateLanes + ((nint)channelStart * PackedScan.BlockStates * ((pairs + 1) / 2));
        float* factors = scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channelStart;
        short* v = scratch.V + (i * InputLanes);
        sbyte* codes = (sbyte*)scratch.Codes + (i * CodeBytes);
        float* skips = scratch.Skips + (i * ChannelsAtOnce);
        int* b = (int*)scratch.B + (i * pairs), c = (int*)scratch.C + (i * pairs);
        byte* decays = scan.DecayTables;
        Vector512<byte> low0 = Vector512.Load(decays), low1 = Vector512.Load(decays + 64);
        Vector512<byte> high0 = Vector512.Load(decays + 128), high1 = Vector512.Load(decays + 192);
        Vector512<short> mask = Vector512.Create((short)(-1 << shift));
        int* offsets = (int*)(scan.Offsets + ((nint)token * 2 * pairs));
        for (int e = 0; e < channels; e += PackedScan.BlockChannels)
        {
            Vector512<short> input = Vector512.Load(v);
            Vector512<sbyte> code = Vector512.Load(codes);
            Vector512<int> sums = Vector512<int>.Zero;
            for (int p = 0; p < pairs; p++)
            {
                Vector512<byte> index = Index(Vector512.Load(rates), code);
                Vector512<byte> lows = Avx512Vbmi.PermuteVar64x8x2(low0, index, low1);
                Vector512<byte> highs = Avx512Vbmi.PermuteVar64x8x2(high0, index, high1);
                bool isUpper = (p & 1) != 0;
                Vector512<byte> decay = isUpper ? Avx512BW.UnpackHigh(lows, highs) : Avx512BW.UnpackLow(lows, highs);
                Vector512<short> h = UpdateState(decay, Vector512.Load(state), input, b + p, offsets + p, mask);
                h.Store(state);
                sums += Sum(h, c + p);
                state += 2 * PackedScan.BlockChannels;
                rates += isUpper || p + 1 == pairs ? Vector512<sbyte>.Count : 0;
            }
            Write(sums, Vector512.Load(factors + e), scan.CScale[token], skips + e, target + e, accumulate);
            v += 2 * PackedScan.BlockChannels;
            codes += PackedScan.BlockStates * PackedScan.BlockChannels;
        }
    }

    /// <summary>clamp(codeΔ + codeA, 0, 127).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Index(Vector512<sbyte> rate, Vector512<sbyte> code) =>
        Vector512.Max(Avx512BW.AddSaturate(rate, code), Vector512<sbyte>.Zero).AsByte();

    /// <summary>Ā of the first two states of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> LookUp(
        Vector512<byte> index,
        Vector512<byte> low0,
        Vector512<byte> low1,
        Vector512<byte> high0,
        Vector512<byte> high1) =>
        Avx512BW.UnpackLow(
            Avx512Vbmi.PermuteVar64x8x2(low0, index, low1), Avx512Vbmi.PermuteVar64x8x2(high0, index, high1));

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> UpdateState(
        Vector512<byte> decay, Vector512<short> h, Vector512<short> v, int* b, int* offset, Vector512<short> mask)
    {
        Vector512<short> input = Avx512BW.MultiplyHighRoundScale(v, Vector512.Create(*b).AsInt16());
        return Avx512BW.AddSaturate(
            Avx512BW.AddSaturate(Avx512BW.MultiplyHighRoundScale(decay.AsInt16(), h), input),
            Vector512.Create(*offset).AsInt16()) & mask;
    }

    /// <summary>h·C of two neighbouring states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Sum(Vector512<short> h, int* c) =>
        Avx512BW.MultiplyAddAdjacent(h, Vector512.Create(*c).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(
        Vector512<int> sums, Vector512<float> factor, float scale, float* skip, float* target, bool accumulate)
    {
        Vector512<float> y =
            (Vector512.ConvertToSingle(sums) * factor * Vector512.Create(scale)) + Vector512.Load(skip);
        (accumulate ? Vector512.Load(target) + y : y).Store(target);
    }

    /// <summary>h at the start of a group of tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rescale(short* states, int count, float factor, int shift)
    {
        Vector512<short> half = Vector512.Create((short)(1 << (shift - 1)));
        Vector512<short> mask = Vector512.Create((short)(-1 << shift));
        Vector512<float> lowest = Vector512.Create(-32768f), highest = Vector512.Create(32767f);
        Vector512<float> scale = Vector512.Create(factor);
        for (int i = 0; i < count; i += Vector512<short>.Count)
        {
            (Vector512<int> low, Vector512<int> high) = Vector512.Widen(Vector512.Load(states + i));
            Vector512<float> x = Avx512F.Min(
                Avx512F.Max(Vector512.Round(Vector512.ConvertToSingle(low) * scale), lowest), highest);
            Vector512<float> y = Avx512F.Min(
                Avx512F.Max(Vector512.Round(Vector512.ConvertToSingle(high) * scale), lowest), highest);
            Vector512<short> h = Vector512.Narrow(Vector512.ConvertToInt32Native(x), Vector512.ConvertToInt32Native(y));
            (Avx512BW.AddSaturate(h, half) & mask).Store(states + i);
        }
    }
}
