using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bitis.Execution.LowBit;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.Gradients;

/// <summary>
/// A map kept in 8 or 4 bits: its scale as float32, then its levels −max to max as signed bytes, or two to a byte, in pieces of
/// <see cref="PieceLength"/> levels (<see cref="Nibbles"/>).
/// </summary>
internal static unsafe class QuantizedMap
{
    /// <summary>How many levels of 4 bits lie together; an even number.</summary>
    private const int PieceLength = 1024;

    /// <summary>Rounds values to the nearest levels.</summary>
    public static void Write(float* values, int count, int bits, byte* target)
    {
        int maxLevel = GradientArithmetic.MaxLevel(bits);
        float largest = Largest(values, count);
        float inverse = Levels.InverseScale(largest, maxLevel);
        *(float*)target = Levels.Scale(largest, maxLevel);
        target += sizeof(float);
        if (bits == 8)
        {
            WriteBytes(values, count, inverse, (sbyte*)target);
            return;
        }
        sbyte* levels = stackalloc sbyte[PieceLength];
        for (int i = 0; i < count; i += PieceLength)
        {
            int length = Math.Min(PieceLength, count - i);
            WriteBytes(values + i, length, inverse, levels);
            if (length % 2 != 0)
                levels[length] = 0;
            Nibbles.Pack(levels, target + (i / 2), (length + 1) / 2);
        }
    }

    /// <summary>The values of the levels.</summary>
    public static void Read(byte* source, int count, int bits, float* values)
    {
        float scale = *(float*)source;
        source += sizeof(float);
        if (bits == 8)
        {
            ReadBytes((sbyte*)source, count, scale, values);
            return;
        }
        sbyte* levels = stackalloc sbyte[PieceLength];
        for (int i = 0; i < count; i += PieceLength)
        {
            int length = Math.Min(PieceLength, count - i);
            Nibbles.Unpack(source + (i / 2), levels, (length + 1) / 2);
            ReadBytes(levels, length, scale, values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(float* values, int count)
    {
        // The processor's maximum gives its second operand where the first is NaN: NaN does not count.
        Vector512<float> max = Vector512<float>.Zero;
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
            max = Vector512.MaxNative(Vector512.Abs(Vector512.Load(values + i)), max);
        Vector256<float> half = Vector256.MaxNative(max.GetLower(), max.GetUpper());
        Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        for (; Vector128.IsHardwareAccelerated && i + Vector128<float>.Count <= count; i += Vector128<float>.Count)
            quarter = Vector128.MaxNative(Vector128.Abs(Vector128.Load(values + i)), quarter);
        float largest = 0;
        for (int lane = 0; lane < Vector128<float>.Count; lane++)
            largest = MathF.Max(largest, quarter[lane]);
        for (; i < count; i++)
            largest = MathF.Abs(values[i]) > largest ? MathF.Abs(values[i]) : largest;
        return largest;
    }

    // Whole registers do what the tail does, to the bit. No level is beyond the largest, and NaN becomes 0: the lower
    // bytes of int.MinValue.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBytes(float* values, int count, float inverse, sbyte* target)
    {
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + Vector512<sbyte>.Count <= count; i += Vector512<sbyte>.Count)
        {
            Vector512<short> low = Vector512.Narrow(Level(values + i, inverse), Level(values + i + 16, inverse));
            Vector512<short> high = Vector512.Narrow(Level(values + i + 32, inverse), Level(values + i + 48, inverse));
            Vector512.Narrow(low, high).Store(target + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<sbyte>.Count <= count; i += Vector128<sbyte>.Count)
        {
            Vector128<short> low = Vector128.Narrow(QuarterLevel(values + i, inverse), QuarterLevel(values + i + 4, inverse));
            Vector128<short> high = Vector128.Narrow(QuarterLevel(values + i + 8, inverse), QuarterLevel(values + i + 12, inverse));
            Vector128.Narrow(low, high).Store(target + i);
        }
        for (; i < count; i++)
            target[i] = (sbyte)MathF.Round(values[i] * inverse);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Level(float* values, float inverse) =>
        Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(values) * Vector512.Create(inverse)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> QuarterLevel(float* values, float inverse) =>
        Vector128.ConvertToInt32Native(Vector128.Round(Vector128.Load(values) * Vector128.Create(inverse)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBytes(sbyte* source, int count, float scale, float* values)
    {
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
        {
            Vector256<short> words = Vector256.WidenLower(Vector128.Load(source + i).ToVector256());
            (Vector512.ConvertToSingle(Vector512.WidenLower(words.ToVector512())) * Vector512.Create(scale)).Store(values + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<sbyte>.Count <= count; i += Vector128<sbyte>.Count)
        {
            (Vector128<short> low, Vector128<short> high) = Vector128.Widen(Vector128.Load(source + i));
            (Vector128<int> first, Vector128<int> second) = Vector128.Widen(low);
            (Vector128<int> third, Vector128<int> fourth) = Vector128.Widen(high);
            Vector128<float> step = Vector128.Create(scale);
            (Vector128.ConvertToSingle(first) * step).Store(values + i);
            (Vector128.ConvertToSingle(second) * step).Store(values + i + 4);
            (Vector128.ConvertToSingle(third) * step).Store(values + i + 8);
            (Vector128.ConvertToSingle(fourth) * step).Store(values + i + 12);
        }
        for (; i < count; i++)
            values[i] = scale * source[i];
    }
}
