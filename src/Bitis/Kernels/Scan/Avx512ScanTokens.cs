using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Activations;

namespace Bitis.Kernels.Scan;

/// <summary>The part of <see cref="IntegerScanAvx512Vbmi"/> that prepares tokens before the recurrence.</summary>
internal static unsafe class Avx512ScanTokens
{
    private const int ChannelsAtOnce = IntegerScan.ChannelsAtOnce;

    /// <summary>The levels of Δ of some tokens, as bytes, and of u, less the zero point, as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Quantize(
        PackedScan scan,
        in IntegerScanCall call,
        nint row,
        nint direction,
        int count,
        int channelStart,
        int channels,
        in Avx512ScanScratch scratch)
    {
        DeltaLevels deltaLevels = scan.Delta;
        bool isBeforeSoftplus = deltaLevels.IsBeforeSoftplus;
        byte* deltas = scratch.Deltas;
        float* inputs = scratch.Inputs, inverses = scan.UInverse + channelStart, lows = scan.ULow + channelStart;
        float* highs = scan.UHigh + channelStart;
        Vector512<float> lowest = Vector512.Create(deltaLevels.Lowest);
        Vector512<float> deltaInverse = Vector512.Create(deltaLevels.InverseScale);
        Vector512<float> deltaMax = Vector512.Create((float)deltaLevels.MaxLevel);
        for (int i = 0; i < count; i++)
        {
            float* x = call.Delta + (row * call.DeltaStride) + channelStart;
            float* u = call.U + (row * call.UStride) + channelStart;
            if (!isBeforeSoftplus)
            {
                Elementwise.Softplus.Best.Run(x, inputs, channels);
                x = inputs;
            }
            // Avx512F.Max and Min give their second operand where the first is NaN, so NaN becomes the lowest level.
            for (int e = 0; e < channels; e += PackedScan.BlockChannels)
            {
                Vector512<float> level = Avx512F.Max(
                    (Vector512.Load(x + e) - lowest) * deltaInverse, Vector512<float>.Zero);
                Vector512<uint> qDelta = Avx512F.ConvertToVector512UInt32(Avx512F.Min(level, deltaMax));
                Avx512F.ConvertToVector128ByteWithSaturation(qDelta).Store(deltas + e);
                Vector512<float> qu = Vector512.Round(Vector512.Load(u + e) * Vector512.Load(inverses + e));
                Avx512F.Min(Avx512F.Max(qu, Vector512.Load(lows + e)), Vector512.Load(highs + e)).Store(inputs + e);
            }
            row += direction;
            deltas += ChannelsAtOnce;
            inputs += ChannelsAtOnce;
        }
    }

    /// <summary>v, codeΔ and D·u of some tokens of a group: see <see cref="Avx512ScanScratch"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Prepare(
        PackedScan scan, int token, int count, int channelStart, int channels, in Avx512ScanScratch scratch)
    {
        byte* tables = scan.DeltaTables, deltas = scratch.Deltas, codes = scratch.Codes;
        float* inputs = scratch.Inputs, skips = scratch.Skips, bScales = scan.BScale + token;
        short* v = scratch.V;
        float* factors = scan.InputFactors + ((nint)scan.Groups[token] * scan.Channels) + channelStart;
        float* skip = scan.Skip + channelStart;
        bool isLarge = scan.Delta.MaxLevel >= 128;
        Vector512<float> highest = Vector512.Create(32767f);
        Vector512<int> lower16 = Vector512.Create(0xFFFF);
        // Byte 0 and 1 of 32 bits: the lower and the upper byte of a channel's multiple. And for codes: each channel's,
        // four times.
        Vector512<byte> firstMultiples = Vector512.Create(
            0x4000, 0x4101, 0x4202, 0x4303, 0x4404, 0x4505, 0x4606, 0x4707,
            0x4808, 0x4909, 0x4A0A, 0x4B0B, 0x4C0C, 0x4D0D, 0x4E0E, 0x4F0F).AsByte();
        Vector512<byte> firstCodes = Vector512.Create(
            0x01010000, 0x03030202, 0x01010000, 0x03030202, 0x05050404, 0x07070606, 0x05050404, 0x07070606,
            0x09090808, 0x0B0B0A0A, 0x09090808, 0x0B0B0A0A, 0x0D0D0C0C, 0x0F0F0E0E, 0x0D0D0C0C, 0x0F0F0E0E).AsByte();
        Vector512<byte> next = Vector512.Create((byte)PackedScan.BlockChannels);
        for (int i = 0; i < count; i++)
        {
            Vector512<byte> level = Vector512.Load(deltas);
            Vector512<byte> low = LookUp(level, tables, isLarge), high = LookUp(level, tables + 256, isLarge);
            Vector512<byte> code = LookUp(level, tables + 512, isLarge);
            Vector512<byte> multipleOrder = firstMultiples, codeOrder = firstCodes;
            Vector512<float> bScale = Vector512.Create(bScales[i]);
            for (int e = 0; e < channels; e += PackedScan.BlockChannels)
            {
                Vector512<int> multiple = Avx512Vbmi.PermuteVar64x8x2(low, multipleOrder, high).AsInt32() & lower16;
                Vector512<float> qu = Vector512.Load(inputs + e);
                Vector512<float> product =
                    qu * Vector512.ConvertToSingle(multiple) * Vector512.Load(factors + e) * bScale;
                // Min passes NaN on as its second operand. For NaN and numbers that are too low, the conversion gives
                // the lowest number, which packing saturates.
                Vector512<int> rounded = Avx512F.ConvertToVector512Int32(Avx512F.Min(highest, product));
                Vector512<short> packed = Avx512BW.PackSignedSaturate(rounded, rounded);
                Avx512BW.UnpackLow(packed, packed).Store(v + (2 * e));
                Avx512Vbmi.PermuteVar64x8(code, codeOrder).Store(codes + (PackedScan.BlockStates * e));
                (Vector512.Load(skip + e) * qu).Store(skips + e);
                multipleOrder += next;
                codeOrder += next;
            }
            deltas += ChannelsAtOnce;
            inputs += ChannelsAtOnce;
            skips += ChannelsAtOnce;
            v += Avx512ScanScratch.InputLanes;
            codes += Avx512ScanScratch.CodeBytes;
        }
    }

    /// <summary>Entries of a table of 256 bytes, of which only 128 may be used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> LookUp(Vector512<byte> index, byte* table, bool isLarge)
    {
        Vector512<byte> entry = Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table), index, Vector512.Load(table + 64));
        if (!isLarge)
            return entry;
        Vector512<byte> upper = Avx512Vbmi.PermuteVar64x8x2(
            Vector512.Load(table + 128), index, Vector512.Load(table + 192));
        return Vector512.ConditionalSelect(
            Vector512.LessThan(index.AsSByte(), Vector512<sbyte>.Zero).AsByte(), upper, entry);
    }
}
