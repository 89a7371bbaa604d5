using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>Reads a Python pickle, protocols 0 to 5, as data.</summary>
/// <remarks>
/// The pickle machine is a list of one-byte instructions on a stack; this one knows no imports: plain data come from
/// <see cref="PickleNames"/>, other classes are names. It is a loop, so deep nesting cannot exhaust our own stack, and
/// every instruction takes time and memory in proportion to its own bytes: at most 128 bytes for each byte of the
/// pickle, which has at most <see cref="MaxLength"/>. Python's values become: <c>None</c> null, <c>bool</c>, <c>int</c>
/// long (or BigInteger), <c>float</c> double, <c>str</c> string, <c>bytes</c> byte[], <c>tuple</c> object?[],
/// <c>list</c> and <c>set</c> List, <c>dict</c> PickleDictionary, and an object of any other class a PickleObject.
/// Source of the instructions: CPython's Lib/pickletools.py.
/// </remarks>
internal sealed class PickleReader
{
    /// <summary>Far above the pickles of vision models, which have a hundred bytes a tensor.</summary>
    public const int MaxLength = 32 << 20;

    private const int MaxIntegerBytes = 256;
    private const int MaxLineLength = 1 << 20;

    private readonly PickleInput _input;
    private readonly long _maxLength;
    private readonly string _path;
    private readonly string _place;
    private readonly Func<object?, object?> _loadPersistent;
    private readonly PickleBudget _budget = new();
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly PickleMemo _memo = new();

    /// <summary>Prepares to read.</summary>
    /// <param name="data">The pickle; bytes after its end are left alone.</param>
    /// <param name="path">The file, with which a message about all of it starts.</param>
    /// <param name="place">The file and the place in it, for messages.</param>
    /// <param name="loadPersistent">Resolves the identifiers of things that lie outside the pickle: storages.</param>
    /// <param name="maxLength">How many bytes a pickle may have.</param>
    public PickleReader(
        StoredBytes data,
        string path,
        string place,
        Func<object?, object?> loadPersistent,
        long maxLength = MaxLength)
    {
        _maxLength = maxLength;
        _input = new PickleInput(data);
        _path = path;
        _place = place;
        _loadPersistent = loadPersistent;
    }

    /// <summary>How many bytes have been read.</summary>
    public long Position => _input.Position;

    /// <summary>Reads one pickle, to its end.</summary>
    /// <exception cref="BitisException">The pickle is damaged, or wants something constructed that is not
    /// allowed.</exception>
    public object? Read()
    {
        while (true)
        {
            long start = Position;
            byte instruction = Take(1)[0];
            try
            {
                if (instruction == '.')
                    return Pop();
                Execute(instruction);
            }
            catch (BitisException e) when (!e.Message.StartsWith(_path, StringComparison.Ordinal))
            {
                throw new BitisException($"{_place}, byte {start}: {e.Message}", e);
            }
        }
    }

    private void Execute(byte instruction)
    {
        switch (instruction)
        {
            case 0x80: Take(1); break; // PROTO
            case 0x95: Take(8); break; // FRAME: a hint for buffering
            case (byte)'(': _marks.Add(_stack.Count); break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': Push(Peek()); break;

            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'I': Push(ParseInteger(TakeLine())); break;
            case (byte)'L': Push(ParseInteger(TakeLine().TrimEnd('L'))); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case (byte)'K': Push((long)Take(1)[0]); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case 0x8A: Push(ToInteger(Take(Take(1)[0]))); break; // LONG1
            case 0x8B: Push(ToInteger(Take(TakeLength(4)))); break; // LONG4
            case (byte)'F': Push(ParseFloat(TakeLine())); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;

            case (byte)'S': Push(Unquote(TakeLine())); break;
            case (byte)'V': Push(TakeLine()); break;
            case (byte)'T': Push(ToOldText(Take(TakeLength(4)))); break;
            case (byte)'U': Push(Encoding.Latin1.GetString(Take(Take(1)[0]))); break;
            case (byte)'X': Push(Encoding.UTF8.GetString(Take(TakeLength(4)))); break;
            case 0x8C: Push(Encoding.UTF8.GetString(Take(Take(1)[0]))); break; // SHORT_BINUNICODE
            case 0x8D: Push(Encoding.UTF8.GetString(Take(TakeLength(8)))); break; // BINUNICODE8
            case (byte)'B': Push(Take(TakeLength(4)).ToArray()); break;
            case (byte)'C': Push(Take(Take(1)[0]).ToArray()); break;
            case 0x8E or 0x96: Push(Take(TakeLength(8)).ToArray()); break; // BINBYTES8, BYTEARRAY8

            case (byte)']' or 0x8F: Push(new List<object?>()); break; // EMPTY_LIST, EMPTY_SET
            case (byte)'l' or 0x91: Push(new List<object?>(PopToMark())); break; // LIST, FROZENSET
            case (byte)'a': Append([Pop()]); break;
            case (byte)'e' or 0x90: Append(PopToMark()); break; // APPENDS, ADDITEMS
            case (byte)')': Push(Array.Empty<object?>()); break;
            case (byte)'t': Push(PopToMark()); break;
            case 0x85: Push(Pop(1)); break;
            case 0x86: Push(Pop(2)); break;
            case 0x87: Push(Pop(3)); break;
            case (byte)'}': Push(new PickleDictionary()); break;
            case (byte)'d':
                object?[] items = PopToMark();
                Push(new PickleDictionary());
                SetItems(items);
                break;
            case (byte)'s': SetItems(Pop(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;

            case (byte)'g': Push(Recall(ParseIndex(TakeLine()))); break;
            case (byte)'h': Push(Recall(Take(1)[0])); break;
            case (byte)'j': Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case (byte)'p': Store(ParseIndex(TakeLine())); break;
            case (byte)'q': Store(Take(1)[0]); break;
            case (byte)'r': Store(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 0x94: Store(_memo.Count); break; // MEMOIZE

            case (byte)'c': Push(PickleNames.Find(TakeLine(), TakeLine())); break;
            case 0x93: // STACK_GLOBAL
                Push(Pop(2) is [string module, string name]
                    ? PickleNames.Find(module, name)
                    : throw Damaged("a global name is not a text"));
                break;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                Push(Pop(2) is [var callable, object?[] arguments]
                    ? Construct(callable, arguments)
                    : throw Damaged("the arguments of a constructor are not a tuple"));
                break;
            case 0x92: // NEWOBJ_EX
                Push(Pop(3) is [var type, object?[] positional, PickleDictionary named]
                    ? Construct(type, named.Items.Count > 0 ? WithNamed(positional, named) : positional)
                    : throw Damaged("the arguments of a constructor are not a tuple and a dictionary"));
                break;
            case (byte)'i': // INST
                object constructor = PickleNames.Find(TakeLine(), TakeLine());
                Push(Construct(constructor, PopToMark()));
                break;
            case (byte)'o': // OBJ
                object?[] all = PopToMark();
                Push(all.Length > 0 ? Construct(all[0], all[1..]) : throw Damaged("an object has no class"));
                break;
            case (byte)'b': SetState(Pop()); break;
            case (byte)'P': Push(_loadPersistent(TakeLine())); break;
            case (byte)'Q': Push(_loadPersistent(Pop())); break;

            default:
                throw Damaged($"0x{instruction:X2} is not an instruction that PyTorch writes");
        }
    }

    private object? Construct(object? callable, object?[] arguments)
    {
        _budget.BytesRead = Position;
        return callable switch
        {
            PickleClass type => type.Construct(arguments, _budget),
            PickleObject partial => new PickleObject(partial.Type, arguments), // such as a functools.partial
            _ => throw Damaged("a value is used as a constructor"),
        };
    }

    /// <summary>Arguments that have names follow the others as one: no class that we know takes any.</summary>
    private object?[] WithNamed(object?[] positional, PickleDictionary named)
    {
        _budget.BytesRead = Position;
        _budget.Charge(positional.Length);
        return [.. positional, named];
    }

    /// <summary>BUILD: attributes for the object on top of the stack.</summary>
    private void SetState(object? state)
    {
        switch (Peek())
        {
            case PickleObject target:
                target.State = state;
                break;
            case PickleDictionary { AttributesAreItems: true } target when state is PickleDictionary attributes:
                _budget.BytesRead = Position;
                _budget.Charge(attributes.Items.Count);
                // A copy: the attributes may be the object itself.
                foreach ((object? key, object? value) in attributes.Items.ToArray())
                    target.Set(key, value);
                break;
            case NumpyDType type when state is object?[] and [_, ">", ..]:
                type.IsBigEndian = true;
                break;
            case null or bool or long or double or BigInteger:
                throw Damaged("attributes are given to a value that has none");
            default:
                break; // bookkeeping of the Python class, such as OrderedDict's _metadata
        }
    }

    private void SetItems(object?[] items)
    {
        if (Peek() is not PickleDictionary dictionary || items.Length % 2 != 0)
            throw Damaged("items are added to something that is not a dictionary");
        for (int i = 0; i < items.Length; i += 2)
            dictionary.Set(items[i], items[i + 1]);
    }

    private void Append(ReadOnlySpan<object?> items)
    {
        switch (Peek())
        {
            case List<object?> list: list.AddRange(items); break;
            case PickleObject target: target.Append(items); break;
            default: throw Damaged("elements are added to something that is not a list");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Damaged("the stack is empty");

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] Pop(int count) =>
        _stack.Count - count >= Floor ? Cut(_stack.Count - count) : throw Damaged("the stack is empty");

    private object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Damaged("there is no mark on the stack");
        int mark = Floor;
        _marks.RemoveAt(_marks.Count - 1);
        return Cut(mark);
    }

    /// <summary>What lies below the last mark is out of reach until the mark is gone.</summary>
    private int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    private object?[] Cut(int from)
    {
        object?[] values = new object?[_stack.Count - from];
        _stack.CopyTo(from, values, 0, values.Length);
        _stack.RemoveRange(from, values.Length);
        return values;
    }

    private void Store(long index) => _memo.Store(index, Peek(), Position);

    private object? Recall(long index) =>
        _memo.TryRecall(index, out object? value) ? value : throw Damaged(
            $"value {index} is recalled but was never stored");

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _input.Left)
        {
            throw BitisException.InFile(
                _place,
                $"the file ends in the middle of its pickle (byte {_input.Length}, {length} more expected); "
                + "it is truncated. Download or copy it again.");
        }
        if (Position + length > _maxLength)
        {
            throw BitisException.InFile(
                _place,
                $"the pickle goes on after {_maxLength >> 20} MiB, which no weights need; save the weights alone: "
                + "torch.save(model.state_dict(), ...).");
        }
        return _input.Take(length);
    }

    /// <summary>A text of Python 2, which has no bytes of their own: a long one is the contents of an array.</summary>
    private static object ToOldText(ReadOnlySpan<byte> bytes) =>
        bytes.Length > MaxLineLength ? bytes.ToArray() : Encoding.Latin1.GetString(bytes);

    /// <summary>A length of 4 or 8 bytes, checked against what is left before anything is allocated.</summary>
    private int TakeLength(int size)
    {
        ReadOnlySpan<byte> bytes = Take(size);
        ulong length = size == 4
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
            : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return length <= (ulong)Math.Min(_input.Left, int.MaxValue)
            ? (int)length
            : throw Damaged(
                $"a text or block claims {length} bytes, but {_input.Left} follow; the file is truncated");
    }

    private string TakeLine()
    {
        int length = _input.Find((byte)'\n', MaxLineLength);
        if (length < 0)
            throw Damaged("a line has no end; the file is truncated");
        string line = Encoding.UTF8.GetString(Take(length));
        Take(1);
        return line;
    }

    private static long ParseIndex(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long index)
            ? index
            : throw Damaged("an index is not a number");

    private static object ParseInteger(string text) => text switch
    {
        "00" => false,
        "01" => true,
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) =>
            value,
        { Length: < MaxIntegerBytes }
            when BigInteger.TryParse(
                text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger big) =>
            big,
        _ => throw Damaged("an integer is not a number"),
    };

    private static double ParseFloat(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw Damaged("a float is not a number");

    /// <summary>A long (boxed before the arms meet: the language would make both a BigInteger), or what is
    /// wider.</summary>
    private static object? ToInteger(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        <= sizeof(long) => (object)(long)new BigInteger(bytes),
        <= MaxIntegerBytes => new BigInteger(bytes),
        _ => throw Damaged($"an integer of {bytes.Length} bytes"),
    };

    private static string Unquote(string text) =>
        text.Length >= 2 && text[0] == text[^1] && text[0] is '\'' or '"'
            ? text[1..^1]
            : throw Damaged("a text has no quotation marks");

    private static BitisException Damaged(string problem) =>
        new($"{problem}; the pickle is damaged or was not written by PyTorch.");
}
