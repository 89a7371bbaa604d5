using System.Runtime.Intrinsics;
using Vector = System.Runtime.Intrinsics.Vector256<uint>;

namespace Bitis.Gpu.Emulation.Instructions;

internal readonly struct Move : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a;
}

internal readonly struct AddWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a + b;
}

internal readonly struct SubtractWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a - b;
}

internal readonly struct MultiplyWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a * b;
}

internal readonly struct MultiplyAddWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => (a * b) + c;
}

internal readonly struct AndWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a & b;
}

internal readonly struct OrWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a | b;
}

internal readonly struct XorWords : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => a ^ b;
}

internal readonly struct MaxIntegers : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.Max(a.AsInt32(), b.AsInt32()).AsUInt32();
}

internal readonly struct MinIntegers : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.Min(a.AsInt32(), b.AsInt32()).AsUInt32();
}

internal readonly struct AddFloats : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => (a.AsSingle() + b.AsSingle()).AsUInt32();
}

internal readonly struct SubtractFloats : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => (a.AsSingle() - b.AsSingle()).AsUInt32();
}

internal readonly struct MultiplyFloats : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => (a.AsSingle() * b.AsSingle()).AsUInt32();
}

internal readonly struct FusedMultiplyAdd : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) =>
        Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsUInt32();
}

internal readonly struct MaxFloats : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) =>
        Vector256.MaxNumber(a.AsSingle(), b.AsSingle()).AsUInt32();
}

internal readonly struct MinFloats : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) =>
        Vector256.MinNumber(a.AsSingle(), b.AsSingle()).AsUInt32();
}

internal readonly struct AbsFloat : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.Abs(a.AsSingle()).AsUInt32();
}

internal readonly struct NegateFloat : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => (-a.AsSingle()).AsUInt32();
}

internal readonly struct RoundFloat : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.Round(a.AsSingle()).AsUInt32();
}

internal readonly struct IntegerToFloat : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.ConvertToSingle(a.AsInt32()).AsUInt32();
}

/// <summary>Toward zero; what does not fit becomes the nearest that does, NaN becomes 0.</summary>
internal readonly struct FloatToInteger : IVectorOperation
{
    public static Vector Apply(Vector a, Vector b, Vector c) => Vector256.ConvertToInt32(a.AsSingle()).AsUInt32();
}
