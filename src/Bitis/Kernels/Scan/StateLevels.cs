using System.Runtime.CompilerServices;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Scan;

/// <summary>The levels of B and C in <see cref="IntegerScanGradient"/>, and their backward pass.</summary>
internal static unsafe class StateLevels
{
    /// <summary>The values of B's or C's levels, in the order of the scan.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(
        ScanGradientTables tables,
        in IntegerScanCall call,
        float* values,
        nint stride,
        float* inverses,
        float* scales,
        float max,
        float* target)
    {
        int states = tables.Packed.States;
        for (int t = 0; t < tables.Tokens; t++)
        {
            float* row = values + ((call.Reverse ? tables.Tokens - 1 - t : t) * stride);
            for (int n = 0; n < states; n++)
                target[n] = scales[t] * Levels.Limit(MathF.Round(row[n] * inverses[t]), -max, max);
            target += states;
        }
    }

    /// <summary>The gradients of B or C from those of their levels' values, and of their scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PassBack(
        ScanGradientTables tables,
        in IntegerScanCall call,
        float* values,
        nint stride,
        float* inverses,
        float max,
        float* gradients,
        float* target,
        nint targetStride,
        float* sums)
    {
        for (int t = 0; t < tables.Tokens; t++)
        {
            nint row = call.Reverse ? tables.Tokens - 1 - t : t;
            float* value = values + (row * stride);
            float sum = 0;
            for (int n = 0; n < tables.Packed.States; n++)
            {
                float v = value[n] * inverses[t], passed = MathF.Abs(v) <= max ? gradients[n] : 0;
                sum += (gradients[n] * Levels.Limit(MathF.Round(v), -max, max)) - (passed * v);
                if (target != null)
                    target[(row * targetStride) + n] = passed;
            }
            sums[t] += sum;
            gradients += tables.Packed.States;
        }
    }
}
