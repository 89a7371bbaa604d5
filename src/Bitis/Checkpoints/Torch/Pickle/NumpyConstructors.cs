using System.Buffers.Binary;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The constructors of NumPy's types and scalars; arrays stay inert objects.</summary>
internal static class NumpyConstructors
{
    /// <summary>Adds the constructors to a table of names.</summary>
    public static void AddTo(Dictionary<string, PickleConstructor> table)
    {
        table["numpy.dtype"] = (arguments, _) =>
            arguments is [string name, ..] ? new NumpyDType(name) : PickleClass.NotPlain;
        table["numpy.core.multiarray.scalar"] = ToScalar;
        table["numpy._core.multiarray.scalar"] = ToScalar;
    }

    private static object ToScalar(object?[] arguments, PickleBudget budget)
    {
        if (arguments is not [NumpyDType { IsBigEndian: false } type, byte[] bytes])
            return PickleClass.NotPlain;
        return (type.Name, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("f2", 2) => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("u8", 8) when bytes[7] < 0x80 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("i2", 2) => (long)BinaryPrimitives.ReadInt16LittleEndian(bytes),
            ("i1", 1) => (long)(sbyte)bytes[0],
            ("u4", 4) => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            ("u2", 2) => (long)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            ("u1", 1) => (long)bytes[0],
            ("b1", 1) => bytes[0] != 0,
            _ => PickleClass.NotPlain,
        };
    }
}
