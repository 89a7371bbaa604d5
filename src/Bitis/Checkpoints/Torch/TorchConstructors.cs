using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text;
using Bitis.Tensors;

namespace Bitis.Checkpoints.Torch;

/// <summary>
/// The allow-list: every Python name that a checkpoint may mention, and the plain data that we make of it. There is no
/// reflection and nothing is looked up outside this table, so a pickle can construct what is here and nothing else.
/// </summary>
internal static class TorchConstructors
{
    private const int MaxRank = 32;

    private static readonly FrozenDictionary<string, object> Allowed = Build().ToFrozenDictionary(
        StringComparer.Ordinal);

    /// <summary>What a name stands for: a <see cref="PickleConstructor"/>, a storage type or an element type.</summary>
    /// <exception cref="BitisException">The name is not allowed.</exception>
    public static object Find(string module, string name) =>
        Allowed.TryGetValue($"{module}.{name}", out object? found)
            ? found
            : throw new BitisException(
                $"refuses to construct '{module}.{name}': only tensors and plain data are read, and no code of a "
                + "checkpoint is ever run. The file may be malicious; if you trust its source, load it with PyTorch and save the "
                + "weights only: torch.save(model.state_dict(), ...), or convert it to safetensors.");

    private static Dictionary<string, object> Build()
    {
        var table = new Dictionary<string, object>(StringComparer.Ordinal);
        AddTensors(table);
        AddContainers(table);
        AddScalars(table);
        return table;
    }

    private static void AddTensors(Dictionary<string, object> table)
    {
        table["torch._utils._rebuild_tensor"] = (PickleConstructor)RebuildTensor;
        table["torch._utils._rebuild_tensor_v2"] = (PickleConstructor)RebuildTensor;
        table["torch._utils._rebuild_tensor_v3"] = (PickleConstructor)RebuildTypedTensor;
        table["torch._utils._rebuild_parameter"] = (PickleConstructor)RebuildParameter;
        table["torch._utils._rebuild_parameter_with_state"] = (PickleConstructor)RebuildParameter;

        (string Storage, string[] Names, DType Type)[] types =
        [
            ("FloatStorage", ["float32", "float"], DType.Float32), ("HalfStorage", ["float16", "half"], DType.Float16),
            ("BFloat16Storage", ["bfloat16"], DType.BFloat16), ("DoubleStorage", ["float64", "double"], DType.Float64),
            ("CharStorage", ["int8"], DType.Int8), ("ByteStorage", ["uint8"], DType.UInt8),
            ("ShortStorage", ["int16", "short"], DType.Int16), ("IntStorage", ["int32", "int"], DType.Int32),
            ("LongStorage", ["int64", "long"], DType.Int64), ("BoolStorage", ["bool"], DType.Bool),
            ("ComplexFloatStorage", ["complex64", "cfloat"], DType.Complex64),
            ("UntypedStorage", [], DType.UInt8),
        ];
        foreach ((string storage, string[] names, DType type) in types)
        {
            foreach (string module in (string[])["torch", "torch.storage", "torch.cuda"])
                table[$"{module}.{storage}"] = new TorchStorageType(type);
            foreach (string name in names)
                table[$"torch.{name}"] = type;
        }
        (string Name, DType Type)[] typesWithoutStorage =
        [
            ("uint16", DType.UInt16), ("uint32", DType.UInt32), ("uint64", DType.UInt64),
            ("float8_e5m2", DType.Float8E5M2), ("float8_e4m3fn", DType.Float8E4M3),
            ("float8_e8m0fnu", DType.Float8E8M0),
            ("float8_e5m2fnuz", DType.Float8E5M2Fnuz), ("float8_e4m3fnuz", DType.Float8E4M3Fnuz),
        ];
        foreach ((string name, DType type) in typesWithoutStorage)
            table[$"torch.{name}"] = type;
    }

    private static void AddContainers(Dictionary<string, object> table)
    {
        foreach (string name in (string[])["collections.OrderedDict", "collections.Counter", "yacs.config.CfgNode",
                     "builtins.dict", "__builtin__.dict"])
        {
            table[name] = (PickleConstructor)ToDictionary;
        }
        table["collections.defaultdict"] = (PickleConstructor)((arguments, budget) =>
            ToDictionary(arguments.Length > 1 ? arguments[1..] : [], budget));
        table["argparse.Namespace"] = (PickleConstructor)((_, _) => new PickleDictionary(attributesAreItems: true));
        table["torch.Size"] = (PickleConstructor)((arguments, _) => arguments is [object?[] sizes] ? sizes : arguments);
        foreach (string builtins in (string[])["builtins", "__builtin__"])
        {
            foreach (string name in (string[])["set", "frozenset", "list", "tuple"])
                table[$"{builtins}.{name}"] = (PickleConstructor)ToSequence;
        }
    }

    private static void AddScalars(Dictionary<string, object> table)
    {
        foreach (string builtins in (string[])["builtins", "__builtin__"])
        {
            foreach (string name in (string[])["int", "float", "bool", "str", "bytearray", "bytes"])
                table[$"{builtins}.{name}"] = (PickleConstructor)TheValueItself;
        }
        table["torch.device"] = (PickleConstructor)((arguments, _) => arguments is [string name, ..] ? name : null);
        table["_codecs.encode"] = (PickleConstructor)EncodeText;
        foreach (string module in (string[])["pathlib", "pathlib._local"])
        {
            foreach (string name in (string[])["Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"])
                table[$"{module}.{name}"] = (PickleConstructor)JoinPath;
        }
        table["numpy.dtype"] = (PickleConstructor)((arguments, _) => arguments is [string name, ..]
            ? new NumpyDType(name)
            : throw Unexpected("numpy.dtype"));
        table["numpy.core.multiarray.scalar"] = (PickleConstructor)NumpyScalar;
        table["numpy._core.multiarray.scalar"] = (PickleConstructor)NumpyScalar;
    }

    /// <summary>(storage, offset, sizes, strides, ...), all counted in elements.</summary>
    private static StoredTensor RebuildTensor(object?[] arguments, PickleBudget budget) =>
        arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, ..]
            ? View(storage, storage.DType, offset, sizes, strides, budget)
            : throw Unexpected("a tensor");

    /// <summary>(storage, offset, sizes, strides, requires_grad, hooks, dtype, ...): the storage is untyped.</summary>
    private static StoredTensor RebuildTypedTensor(object?[] arguments, PickleBudget budget) =>
        arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, _, _, DType type, ..]
            ? View(storage, type, offset, sizes, strides, budget)
            : throw Unexpected("a tensor");

    private static StoredTensor View(
        TorchStorage storage, DType type, long offset, object?[] sizes, object?[] strides, PickleBudget budget)
    {
        if (sizes.Length != strides.Length || sizes.Length > MaxRank)
            throw new BitisException($"a tensor has {sizes.Length} sizes and {strides.Length} strides.");
        budget.Charge(sizes.Length);
        int[] shape = new int[sizes.Length];
        long[] steps = new long[sizes.Length];
        for (int d = 0; d < shape.Length; d++)
        {
            if (sizes[d] is not (long size and >= 0 and <= int.MaxValue) || strides[d] is not (long stride and >= 0))
            {
                throw new BitisException(
                    $"a tensor has the size {sizes[d]} and the stride {strides[d]} in dimension {d}.");
            }

            shape[d] = (int)size;
            steps[d] = stride;
        }
        return new StoredTensor(type, Shape.Create(shape), steps, offset, storage.Bytes);
    }

    /// <summary>The one sequence given stands for its copy: it is data, and nobody changes it.</summary>
    private static object? ToSequence(object?[] arguments, PickleBudget budget) =>
        arguments is [var all] ? all : new List<object?>();

    private static object? TheValueItself(object?[] arguments, PickleBudget budget) =>
        arguments is [var value, ..] ? value : null;

    private static object? RebuildParameter(object?[] arguments, PickleBudget budget) =>
        arguments is [StoredTensor tensor, ..] ? tensor : throw Unexpected("a parameter");

    private static PickleDictionary ToDictionary(object?[] arguments, PickleBudget budget)
    {
        var result = new PickleDictionary();
        switch (arguments)
        {
            case []:
                break;
            case [PickleDictionary other, ..]:
                budget.Charge(other.Items.Count);
                foreach ((object? key, object? value) in other.Items)
                    result.Set(key, value);
                break;
            case [List<object?> pairs, ..]:
                budget.Charge(pairs.Count);
                foreach (object? pair in pairs)
                {
                    (object? key, object? value) = pair switch
                    {
                        object?[] and [var k, var v] => (k, v),
                        List<object?> and [var k, var v] => (k, v),
                        _ => throw Unexpected("a dictionary"),
                    };
                    result.Set(key, value);
                }
                break;
            default:
                throw Unexpected("a dictionary");
        }
        return result;
    }

    /// <summary>How Python 3 writes bytes in the pickle protocols before it had them: a text of code points below
    /// 256.</summary>
    private static byte[] EncodeText(object?[] arguments, PickleBudget budget)
    {
        if (arguments is not [string text, "latin1" or "latin-1", ..])
            throw Unexpected("bytes");
        budget.Charge(text.Length);
        return Encoding.Latin1.GetBytes(text);
    }

    private static string JoinPath(object?[] arguments, PickleBudget budget)
    {
        string[] parts = [.. arguments.OfType<string>()];
        budget.Charge(parts.Sum(part => (long)part.Length) + arguments.Length);
        return string.Join('/', parts).Replace("//", "/", StringComparison.Ordinal);
    }

    private static object NumpyScalar(object?[] arguments, PickleBudget budget)
    {
        if (arguments is not [NumpyDType type, byte[] bytes])
            throw Unexpected("a NumPy scalar");
        return (type.Name, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8" or "u8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("b1", 1) => bytes[0] != 0,
            _ => throw Unexpected($"a NumPy scalar of type '{type.Name}'"),
        };
    }

    private static BitisException Unexpected(string what) =>
        new($"{what} is written in a form that PyTorch does not use.");
}
