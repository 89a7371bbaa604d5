using System.Buffers.Binary;
using System.Text;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// Writes pickles the way torch.save does (protocol 2), and ones that it never would. Values: null, bool, long, double,
/// string, object?[] (tuple), List (list), Dictionary (dict), and <see cref="PickleBuilder"/> for raw instructions.
/// </summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => _bytes.ToArray();

    public static byte[] Of(object? value) => new PickleBuilder().Raw(0x80, 2).Value(value).Raw('.').ToArray();

    public static PickleBuilder Tensor(
        string storageType, string key, long count, object?[] shape, object?[] strides, long offset =
            0, bool legacy = false)
    {
        object?[] id = ["storage", new PickleBuilder().Global("torch", storageType), key, "cpu", count];
        var storage = new PickleBuilder().Value(legacy ? [.. id, null] : id).Raw('Q');
        object?[] arguments =
        [
            storage,
            offset,
            shape,
            strides,
            false,
            new PickleBuilder().Global("collections", "OrderedDict").Raw(')', 'R'),
        ];
        return new PickleBuilder().Global("torch._utils", "_rebuild_tensor_v2").Value(arguments).Raw('R');
    }

    public static PickleBuilder Object(string module, string name, Dictionary<string, object?> attributes) =>
        new PickleBuilder().Global(module, name).Raw(')', 0x81).Value(attributes).Raw('b');

    public PickleBuilder Raw(params int[] bytes)
    {
        foreach (int value in bytes)
            _bytes.Add((byte)value);
        return this;
    }

    public PickleBuilder Text(string latin1)
    {
        _bytes.AddRange(Encoding.Latin1.GetBytes(latin1));
        return this;
    }

    public PickleBuilder Global(string module, string name) => Text($"c{module}\n{name}\n");

    public PickleBuilder Value(object? value)
    {
        Span<byte> buffer = stackalloc byte[8];
        switch (value)
        {
            case null: return Raw('N');
            case bool flag: return Raw(flag ? 0x88 : 0x89);
            case int number: return Value((long)number);
            case long number and >= 0 and < 256: return Raw('K', (int)number);
            case long number:
                BinaryPrimitives.WriteInt64LittleEndian(buffer, number);
                Raw(0x8A, 8);
                _bytes.AddRange(buffer);
                return this;
            case double number:
                BinaryPrimitives.WriteDoubleBigEndian(buffer, number);
                Raw('G');
                _bytes.AddRange(buffer);
                return this;
            case string text:
                byte[] utf8 = Encoding.UTF8.GetBytes(text);
                BinaryPrimitives.WriteInt32LittleEndian(buffer, utf8.Length);
                Raw('X');
                _bytes.AddRange(buffer[..4]);
                _bytes.AddRange(utf8);
                return this;
            case object?[] tuple:
                Raw('(');
                foreach (object? item in tuple)
                    Value(item);
                return Raw('t');
            case List<object?> list:
                Raw(']', '(');
                list.ForEach(item => Value(item));
                return Raw('e');
            case Dictionary<string, object?> dictionary:
                Raw('}', '(');
                foreach ((string key, object? item) in dictionary)
                    Value(key).Value(item);
                return Raw('u');
            case PickleBuilder raw:
                _bytes.AddRange(raw.ToArray());
                return this;
            default: throw new ArgumentException($"No pickle for {value.GetType()}.", nameof(value));
        }
    }
}
