namespace Bitis.Gpu.Emulation.Instructions;

internal readonly struct ShiftLeft : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => b > 31 ? 0 : a << (int)b;
}

internal readonly struct ShiftRight : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => b > 31 ? 0 : a >> (int)b;
}

internal readonly struct ShiftRightSigned : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => (uint)((int)a >> (int)Math.Min(b, 31));
}

internal readonly struct DivideIntegers : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => (uint)((int)a / (int)b);
}

/// <summary>Four products of an unsigned and a signed byte, and their sum.</summary>
internal readonly struct DotOfBytes : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c)
    {
        int sum = (int)c;
        for (int i = 0; i < 32; i += 8)
            sum += (byte)(a >> i) * (sbyte)(b >> i);
        return (uint)sum;
    }
}

internal readonly struct FloatToHalf : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) =>
        BitConverter.HalfToUInt16Bits((Half)BitConverter.UInt32BitsToSingle(a));
}

/// <summary>Two halves in a word, the first one above.</summary>
internal readonly struct FloatsToHalves : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => (FloatToHalf.Apply(a, 0, 0) << 16) | FloatToHalf.Apply(b, 0, 0);
}

internal readonly struct HalfToFloat : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) =>
        BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)a));
}
