using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Bitis.Checkpoints;

/// <summary>Sizes and names of the element types, and their conversion to float32.</summary>
internal static class DTypes
{
    private static readonly string[] Names =
    [
        "BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ",
        "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "C64", "F64", "I64", "U64",
    ];

    private static readonly int[] Bits =
        [8, 4, 6, 6, 8, 8, 8, 8, 8, 8, 8, 16, 16, 16, 16, 32, 32, 32, 64, 64, 64, 64];

    /// <summary>All safetensors names, separated by commas, for messages.</summary>
    internal static string AllNames => string.Join(", ", Names);

    /// <summary>The size of one element in bits: 4 to 64.</summary>
    public static int BitSize(this DType type) => Bits[(int)type];

    /// <summary>The name in a safetensors header, such as <c>BF16</c>.</summary>
    public static string SafetensorsName(this DType type) => Names[(int)type];

    /// <summary>The type of a safetensors name; null if the format has no such name.</summary>
    public static DType? FromSafetensorsName(string name)
    {
        int index = Array.IndexOf(Names, name);
        return index < 0 ? null : (DType)index;
    }

    /// <summary>
    /// Whether a type can be converted to float32: all except packed 4- and 6-bit floats and complex numbers.
    /// </summary>
    public static bool ConvertsToFloat(this DType type) =>
        type is not (DType.Float4 or DType.Float6E2M3 or DType.Float6E3M2 or DType.Complex64);

    /// <summary>Converts little-endian elements to float32, rounded to nearest if necessary.</summary>
    internal static void ToFloat(DType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case DType.Float32: MemoryMarshal.Cast<byte, float>(source).CopyTo(destination); break;
            case DType.Float16: Convert<Half>(source, destination); break;
            case DType.Float64: Convert<double>(source, destination); break;
            case DType.Int8: Convert<sbyte>(source, destination); break;
            case DType.UInt8: Convert<byte>(source, destination); break;
            case DType.Int16: Convert<short>(source, destination); break;
            case DType.UInt16: Convert<ushort>(source, destination); break;
            case DType.Int32: Convert<int>(source, destination); break;
            case DType.UInt32: Convert<uint>(source, destination); break;
            case DType.Int64: Convert<long>(source, destination); break;
            case DType.UInt64: Convert<ulong>(source, destination); break;
            case DType.BFloat16:
                ReadOnlySpan<ushort> upperHalves = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < upperHalves.Length; i++)
                    destination[i] = BitConverter.UInt32BitsToSingle((uint)upperHalves[i] << 16);
                break;
            case DType.Bool:
                for (int i = 0; i < source.Length; i++)
                    destination[i] = source[i] == 0 ? 0f : 1f;
                break;
            default:
                for (int i = 0; i < source.Length; i++)
                    destination[i] = Float8(type, source[i]);
                break;
        }
    }

    private static void Convert<T>(ReadOnlySpan<byte> source, Span<float> destination)
        where T : unmanaged, System.Numerics.INumberBase<T> =>
        TensorPrimitives.ConvertSaturating<T, float>(MemoryMarshal.Cast<byte, T>(source), destination);

    private static float Float8(DType type, byte value) => type switch
    {
        DType.Float8E5M2 => (float)BitConverter.UInt16BitsToHalf((ushort)(value << 8)),
        DType.Float8E4M3 => (value & 0x7F) == 0x7F ? float.NaN : SmallFloat(value, mantissaBits: 3, bias: 7),
        DType.Float8E4M3Fnuz => value == 0x80 ? float.NaN : SmallFloat(value, mantissaBits: 3, bias: 8),
        DType.Float8E5M2Fnuz => value == 0x80 ? float.NaN : SmallFloat(value, mantissaBits: 2, bias: 16),
        DType.Float8E8M0 => value == 0xFF ? float.NaN : MathF.ScaleB(1f, value - 127),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no conversion to float32."),
    };

    /// <summary>(-1)^sign · 1.mantissa · 2^(exponent - bias); subnormal where the exponent's bits are all
    /// zero.</summary>
    private static float SmallFloat(byte value, int mantissaBits, int bias)
    {
        int mantissa = value & ((1 << mantissaBits) - 1);
        int exponent = (value & 0x7F) >> mantissaBits;
        float magnitude = exponent == 0
            ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
            : MathF.ScaleB(mantissa | (1 << mantissaBits), exponent - bias - mantissaBits);
        return value >= 0x80 ? -magnitude : magnitude;
    }
}
