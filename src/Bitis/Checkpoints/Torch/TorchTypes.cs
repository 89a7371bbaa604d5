using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>The storage classes and element types of PyTorch, by their Python names.</summary>
internal static class TorchTypes
{
    /// <summary>Storages and the names of their elements.</summary>
    private static readonly (string Storage, string[] Names, DType Type)[] Readable =
    [
        ("FloatStorage", ["float32", "float"], DType.Float32), ("HalfStorage", ["float16", "half"], DType.Float16),
        ("BFloat16Storage", ["bfloat16"], DType.BFloat16), ("DoubleStorage", ["float64", "double"], DType.Float64),
        ("CharStorage", ["int8"], DType.Int8), ("ByteStorage", ["uint8"], DType.UInt8),
        ("ShortStorage", ["int16", "short"], DType.Int16), ("IntStorage", ["int32", "int"], DType.Int32),
        ("LongStorage", ["int64", "long"], DType.Int64), ("BoolStorage", ["bool"], DType.Bool),
        ("ComplexFloatStorage", ["complex64", "cfloat"], DType.Complex64), ("UntypedStorage", [], DType.UInt8),
    ];

    private static readonly (string Name, DType Type)[] WithoutStorage =
    [
        ("uint16", DType.UInt16), ("uint32", DType.UInt32), ("uint64", DType.UInt64),
        ("float8_e5m2", DType.Float8E5M2), ("float8_e4m3fn", DType.Float8E4M3),
        ("float8_e8m0fnu", DType.Float8E8M0),
        ("float8_e5m2fnuz", DType.Float8E5M2Fnuz), ("float8_e4m3fnuz", DType.Float8E4M3Fnuz),
    ];

    /// <summary>
    /// Storages of quantized and wide complex tensors, which are not supported, but whose size is known.
    /// </summary>
    private static readonly (string Storage, int Bits)[] Unreadable =
    [
        ("QInt8Storage", 8), ("QUInt8Storage", 8), ("QInt32Storage", 32), ("QUInt4x2Storage", 8),
        ("QUInt2x4Storage", 8), ("ComplexDoubleStorage", 128),
    ];

    /// <summary>Adds the types to a table of names.</summary>
    public static void AddTo(Dictionary<string, object> table)
    {
        foreach (string module in (string[])["torch", "torch.storage", "torch.cuda"])
        {
            foreach ((string storage, _, DType type) in Readable)
                Add($"{module}.{storage}", type, type.BitSize());
            foreach ((string storage, int bits) in Unreadable)
                Add($"{module}.{storage}", null, bits);
        }
        foreach ((_, string[] names, DType type) in Readable)
        {
            foreach (string name in names)
                table.Add($"torch.{name}", type);
        }
        foreach ((string name, DType type) in WithoutStorage)
            table.Add($"torch.{name}", type);

        void Add(string name, DType? type, int bits) => table.Add(name, new TorchStorageType(name, type, bits));
    }

    /// <summary>The class of a storage in a persistent identifier; null for anything else.</summary>
    public static TorchStorageType? StorageOf(object? named) => named switch
    {
        TorchStorageType type => type,
        PickleClass unknown => new TorchStorageType(unknown.Name, null, null),
        _ => null,
    };
}
