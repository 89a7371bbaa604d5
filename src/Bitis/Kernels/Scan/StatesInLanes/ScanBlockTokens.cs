using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Activations;

namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>What comes before and after the recurrence of eight channels: inputs for it, outputs of its sums.</summary>
internal static unsafe class ScanBlockTokens
{
    private const int Channels = ScanBlockScratch.BlockChannels;

    /// <summary>The levels of B and C and the offsets of some tokens: see <see cref="ScanBlockScratch.B"/>.</summary>
    /// <remarks>Lanes without a state are 0.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void QuantizeStates(
        PackedScan scan, in IntegerScanCall call, int start, int count, in ScanBlockScratch scratch)
    {
        int states = scan.States, lanes = scratch.StateLanes, bShift = 16 - scan.BBits;
        short* b = scratch.B;
        if (states < lanes)
            new Span<short>(b, count * ScanBlockScratch.StateKinds * lanes).Clear();
        for (int t = start; t < start + count; t++)
        {
            nint row = call.Reverse ? call.Tokens - 1 - t : t;
            short* c = b + lanes, offsets = scan.Offsets + ((nint)t * 2 * scan.Pairs), target = c + (2 * lanes);
            IntegerScan.QuantizeStates(
                call.B + (row * call.BStride), states, scan.BInverse[t], scan.BMaxLevel, bShift, b, has512: false);
            IntegerScan.QuantizeStates(
                call.C + (row * call.CStride), states, scan.CInverse[t], scan.CMaxLevel, shift: 0, c, has512: false);
            for (int n = 0; n < states; n++)
                target[n] = offsets[n];
            for (int n = 0; n + ScanBlockScratch.BlockStates <= lanes; n += ScanBlockScratch.BlockStates)
            {
                Vector256<int> pairs = Vector256.Load((int*)(c + n));
                Avx2.UnpackLow(pairs, pairs).Store((int*)(c + n));
                Avx2.UnpackHigh(pairs, pairs).Store((int*)(c + lanes + n));
            }
            b += ScanBlockScratch.StateKinds * lanes;
        }
    }

    /// <summary>What the recurrence of a group's tokens takes: see <see cref="ScanBlockScratch.Tokens"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Prepare(
        PackedScan scan, in IntegerScanCall call, int start, int count, int channel, int* tokens, int* levels)
    {
        nint row = call.Reverse ? call.Tokens - 1 - start : start, direction = call.Reverse ? -1 : 1;
        float* x = call.Delta + (row * call.DeltaStride) + channel;
        nint step = direction * call.DeltaStride;
        if (!scan.Delta.IsBeforeSoftplus)
        {
            x = Softplus(x, step, count, tokens);
            step = Channels;
        }
        FindEntries(scan, x, step, count, tokens, levels);
        float* u = call.U + (row * call.UStride) + channel, bScales = scan.BScale + start;
        step = direction * call.UStride;
        Vector256<float> inverse = Vector256.Load(scan.UInverse + channel), low = Vector256.Load(scan.ULow + channel);
        Vector256<float> high = Vector256.Load(scan.UHigh + channel), skip = Vector256.Load(scan.Skip + channel);
        Vector256<float> factor = Vector256.Load(
            scan.InputFactors + ((nint)scan.Groups[start] * scan.Channels) + channel);
        Vector256<float> highest = Vector256.Create(32767f);
        Vector256<int> lower16 = Vector256.Create(0xFFFF);
        for (; count > 0; count--)
        {
            // Min and Max give their second operand where the first is NaN, so NaN becomes the lowest level.
            Vector256<float> qu = Avx.Min(Avx.Max(Vector256.Round(Vector256.Load(u) * inverse), low), high);
            Vector256<float> multiple = Vector256.ConvertToSingle(Vector256.Load(tokens) & lower16);
            Vector256<float> product = qu * multiple * factor * Vector256.Create(*bScales);
            // For NaN and numbers that are too low, the conversion gives the lowest number, which packing saturates.
            Vector256<int> rounded = Avx.ConvertToVector256Int32(Avx.Min(highest, product));
            Vector256<short> packed = Avx2.PackSignedSaturate(rounded, rounded);
            Avx2.UnpackLow(packed, packed).AsInt32().Store(tokens + ScanBlockScratch.V);
            (skip * qu).Store((float*)tokens + ScanBlockScratch.Skips);
            u += step;
            bScales++;
            tokens += ScanBlockScratch.TokenNumbers;
        }
    }

    /// <summary>The entries of the levels of Δ, and the least and the largest level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FindEntries(PackedScan scan, float* x, nint step, int count, int* tokens, int* levels)
    {
        DeltaLevels deltaLevels = scan.Delta;
        uint* entries = scan.Slices.Entries;
        Vector256<float> lowest = Vector256.Create(deltaLevels.Lowest);
        Vector256<float> inverse = Vector256.Create(deltaLevels.InverseScale);
        Vector256<float> max = Vector256.Create((float)deltaLevels.MaxLevel);
        Vector256<int> least = Vector256.Load(levels), largest = Vector256.Load(levels + Channels);
        for (; count > 0; count--)
        {
            // Levels index tables. In this order of operands NaN becomes the lowest one.
            Vector256<float> value = Avx.Max((Vector256.Load(x) - lowest) * inverse, Vector256<float>.Zero);
            Vector256<int> level = Avx.ConvertToVector256Int32(Avx.Min(value, max));
            least = Vector256.Min(least, level);
            largest = Vector256.Max(largest, level);
            // From the vector straight to address registers: a detour through memory is slower.
            Vector256<ulong> pairs = level.AsUInt64();
            ulong pair01 = pairs.GetLower().ToScalar(), pair23 = pairs.GetLower().GetElement(1);
            ulong pair45 = pairs.GetUpper().ToScalar(), pair67 = pairs.GetUpper().GetElement(1);
            var target = (uint*)tokens;
            target[0] = entries[(uint)pair01];
            target[1] = entries[pair01 >> 32];
            target[2] = entries[(uint)pair23];
            target[3] = entries[pair23 >> 32];
            target[4] = entries[(uint)pair45];
            target[5] = entries[pair45 >> 32];
            target[6] = entries[(uint)pair67];
            target[7] = entries[pair67 >> 32];
            x += step;
            tokens += ScanBlockScratch.TokenNumbers;
        }
        least.Store(levels);
        largest.Store(levels + Channels);
    }

    /// <summary>Δ of some tokens, side by side in the tokens' memory, from its end on.</summary>
    private static float* Softplus(float* x, nint step, int count, int* tokens)
    {
        // A token's numbers are written after its Δ was read, and before they reach the Δ of another token.
        float* target = (float*)tokens + (count * (ScanBlockScratch.TokenNumbers - Channels));
        for (int i = 0; i < count; i++)
            Vector256.Load(x + (i * step)).Store(target + (i * Channels));
        Elementwise.Softplus.Best.Run(target, target, count * Channels);
        return target;
    }
}
