using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Activations;

namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>What comes before and after the recurrence of eight channels: inputs for it, outputs of its sums.</summary>
internal static unsafe class ScanBlockTokens
{
    private const int Channels = ScanBlockScratch.BlockChannels;

    /// <summary>The levels of B and C and the offsets of some tokens, with zeros in lanes without a state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void QuantizeStates(
        PackedScan scan, in IntegerScanCall call, int start, int count, in ScanBlockScratch scratch)
    {
        int states = scan.States, lanes = scratch.StateLanes, bShift = 16 - scan.BBits;
        short* b = scratch.B;
        if (states < lanes)
            new Span<short>(b, count * 3 * lanes).Clear();
        for (int t = start; t < start + count; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            IntegerScan.QuantizeStates(
                call.B + (row * call.BStride), states, scan.BInverse[t], scan.BMaxLevel, bShift, b, has512: false);
            IntegerScan.QuantizeStates(
                call.C + (row * call.CStride), states, scan.CInverse[t], scan.CMaxLevel, 0, b + lanes, has512: false);
            short* offsets = scan.Offsets + ((nint)t * 2 * scan.Pairs), target = b + (2 * lanes);
            for (int n = 0; n < states; n++)
                target[n] = offsets[n];
            b += 3 * lanes;
        }
    }

    /// <summary>The entry of Δ, v and D·u of some tokens of a group: see <see cref="ScanBlockScratch"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Prepare(
        PackedScan scan,
        in IntegerScanCall call,
        int start,
        int count,
        int channel,
        uint* entries,
        int* v,
        float* skips)
    {
        nint row = call.Reverse ? call.Tokens - 1 - start : start, direction = call.Reverse ? -1 : 1;
        Quantize(scan.Delta, in call, row, direction, count, channel, entries, skips);
        uint* table = scan.Slices.Entries;
        for (nint i = 0; i < count * Channels; i += 4)
        {
            entries[i] = table[entries[i]];
            entries[i + 1] = table[entries[i + 1]];
            entries[i + 2] = table[entries[i + 2]];
            entries[i + 3] = table[entries[i + 3]];
        }
        float* u = call.U + (row * call.UStride) + channel, bScales = scan.BScale + start;
        nint step = direction * call.UStride;
        Vector256<float> inverse = Vector256.Load(scan.UInverse + channel), low = Vector256.Load(scan.ULow + channel);
        Vector256<float> high = Vector256.Load(scan.UHigh + channel), skip = Vector256.Load(scan.Skip + channel);
        Vector256<float> factor = Vector256.Load(
            scan.InputFactors + ((nint)scan.Groups[start] * scan.Channels) + channel);
        Vector256<float> highest = Vector256.Create(32767f);
        Vector256<uint> lower16 = Vector256.Create(0xFFFFu);
        for (int i = 0; i < count; i++)
        {
            // Min and Max give their second operand where the first is NaN, so NaN becomes the lowest level.
            Vector256<float> qu = Avx.Min(Avx.Max(Vector256.Round(Vector256.Load(u) * inverse), low), high);
            Vector256<float> multiple = Vector256.ConvertToSingle((Vector256.Load(entries) & lower16).AsInt32());
            Vector256<float> product = qu * multiple * factor * Vector256.Create(bScales[i]);
            // For NaN and numbers that are too low, the conversion gives the lowest number, which packing saturates.
            Vector256<int> rounded = Avx.ConvertToVector256Int32(Avx.Min(highest, product));
            Vector256<short> packed = Avx2.PackSignedSaturate(rounded, rounded);
            Avx2.UnpackLow(packed, packed).AsInt32().Store(v);
            (skip * qu).Store(skips);
            u += step;
            entries += Channels;
            v += Channels;
            skips += Channels;
        }
    }

    /// <summary>y of some tokens of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Write(
        PackedScan scan, in IntegerScanCall call, int start, int count, int channel, int* sums, float* skips)
    {
        nint row = call.Reverse ? call.Tokens - 1 - start : start;
        nint step = call.Reverse ? -call.YStride : call.YStride;
        float* y = call.Y + (row * call.YStride) + channel, scales = scan.CScale + start;
        bool accumulate = call.Accumulate;
        Vector256<float> factor = Vector256.Load(
            scan.OutputFactors + ((nint)scan.Groups[start] * scan.Channels) + channel);
        for (int i = 0; i < count; i++)
        {
            Vector256<float> value = Vector256.ConvertToSingle(Vector256.Load(sums)) * factor;
            value = (value * Vector256.Create(scales[i])) + Vector256.Load(skips);
            (accumulate ? Vector256.Load(y) + value : value).Store(y);
            y += step;
            sums += Channels;
            skips += Channels;
        }
    }

    /// <summary>The levels of Δ.</summary>
    private static void Quantize(
        DeltaLevels deltaLevels,
        in IntegerScanCall call,
        nint row,
        nint direction,
        int count,
        int channel,
        uint* levels,
        float* inputs)
    {
        float* x = call.Delta + (row * call.DeltaStride) + channel;
        nint step = direction * call.DeltaStride;
        if (!deltaLevels.IsBeforeSoftplus)
        {
            for (int i = 0; i < count; i++)
                Vector256.Load(x + (i * step)).Store(inputs + (i * Channels));
            Elementwise.Softplus.Best.Run(inputs, inputs, count * Channels);
            x = inputs;
            step = Channels;
        }
        Vector256<float> lowest = Vector256.Create(deltaLevels.Lowest);
        Vector256<float> inverse = Vector256.Create(deltaLevels.InverseScale);
        Vector256<float> max = Vector256.Create((float)deltaLevels.MaxLevel);
        for (int i = 0; i < count; i++)
        {
            // Levels index tables. In this order of operands NaN becomes the lowest one.
            Vector256<float> level = Avx.Max((Vector256.Load(x) - lowest) * inverse, Vector256<float>.Zero);
            Avx.ConvertToVector256Int32(Avx.Min(level, max)).AsUInt32().Store(levels);
            x += step;
            levels += Channels;
        }
    }
}
