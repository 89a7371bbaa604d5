using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bitis.Runtime.Kernels;

namespace Bitis.Training.Gradients;

/// <summary>
/// A map kept in 8 or 4 bits: its scale as float32, then its levels −max to max as signed bytes, or two to a byte, the first one in the
/// low half.
/// </summary>
internal static unsafe class QuantizedMap
{
    /// <summary>Rounds values to the nearest levels.</summary>
    public static void Write(float* values, int count, int bits, byte* target)
    {
        int maxLevel = GradientArithmetic.MaxLevel(bits);
        float largest = Largest(values, count);
        float inverse = Levels.InverseScale(largest, maxLevel);
        *(float*)target = Levels.Scale(largest, maxLevel);
        target += sizeof(float);
        if (bits == 4)
        {
            for (int i = 0; i < count; i += 2)
            {
                int low = (int)MathF.Round(values[i] * inverse), high = i + 1 < count ? (int)MathF.Round(values[i + 1] * inverse) : 0;
                target[i / 2] = (byte)((low & 0xF) | (high << 4));
            }
            return;
        }
        WriteBytes(values, count, inverse, (sbyte*)target);
    }

    /// <summary>The values of the levels.</summary>
    public static void Read(byte* source, int count, int bits, float* values)
    {
        float scale = *(float*)source;
        source += sizeof(float);
        if (bits == 4)
        {
            for (int i = 0; i < count; i++)
                values[i] = scale * ((sbyte)(source[i / 2] << (i % 2 == 0 ? 4 : 0)) >> 4);
            return;
        }
        ReadBytes((sbyte*)source, count, scale, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(float* values, int count)
    {
        Vector512<float> max = Vector512<float>.Zero;
        int i = 0;
        for (; Vector512.IsHardwareAccelerated && i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
            max = Vector512.MaxNative(max, Vector512.Abs(Vector512.Load(values + i)));
        float largest = 0;
        for (int lane = 0; lane < Vector512<float>.Count; lane++)
            largest = MathF.Max(largest, max[lane]);
        for (; i < count; i++)
            largest = MathF.Max(largest, MathF.Abs(values[i]));
        return largest;
    }

    // Whole registers do what the tail does, to the bit.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBytes(float* values, int count, float inverse, sbyte* target)
    {
        int i = 0;
        for (; Vector512.IsHardwareAccelerated && i + Vector512<sbyte>.Count <= count; i += Vector512<sbyte>.Count)
        {
            Vector512<short> low = Vector512.Narrow(Level(values + i, inverse), Level(values + i + 16, inverse));
            Vector512<short> high = Vector512.Narrow(Level(values + i + 32, inverse), Level(values + i + 48, inverse));
            Vector512.Narrow(low, high).Store(target + i);
        }
        for (; i < count; i++)
            target[i] = (sbyte)MathF.Round(values[i] * inverse);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Level(float* values, float inverse) =>
        Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(values) * Vector512.Create(inverse)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBytes(sbyte* source, int count, float scale, float* values)
    {
        int i = 0;
        for (; Vector512.IsHardwareAccelerated && i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
        {
            Vector256<short> words = Vector256.WidenLower(Vector128.Load(source + i).ToVector256());
            (Vector512.ConvertToSingle(Vector512.WidenLower(words.ToVector512())) * Vector512.Create(scale)).Store(values + i);
        }
        for (; i < count; i++)
            values[i] = scale * source[i];
    }
}
