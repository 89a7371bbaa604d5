using System.Globalization;

namespace Bitis.Gpu.Emulation.Text;

/// <summary>The registers of a kernel, and the rows that they have in a warp.</summary>
internal sealed class Registers
{
    private static readonly string[] SpecialNames =
        ["%tid.x", "%laneid", "%ntid.x", "%ctaid.x", "%ctaid.y", "%nctaid.x", "%nctaid.y"];

    private readonly Dictionary<char, int> _declared = [];
    private readonly Dictionary<uint, int> _constants = [];
    private readonly Dictionary<string, int> _specials = [];
    private int _rows;

    /// <summary>The name of the shared memory; null without any.</summary>
    public string? SharedName { get; set; }

    /// <summary>The rows of words, floats, halves, constants and special registers.</summary>
    public int Rows => _rows;

    /// <summary>The rows of constants.</summary>
    public IReadOnlyList<(int Row, uint Value)> Constants => [.. _constants.Select(pair => (pair.Value, pair.Key))];

    /// <summary>The rows of special registers.</summary>
    public IReadOnlyList<(int Row, string Name)> Specials => [.. _specials.Select(pair => (pair.Value, pair.Key))];

    /// <summary>The registers of a kind.</summary>
    public int Count(char kind) => _declared.GetValueOrDefault(kind);

    /// <summary>Declares registers.</summary>
    public void Declare(string type, char kind, int count)
    {
        string expected = kind switch
        {
            'r' => "b32",
            'd' => "b64",
            'f' => "f32",
            'h' => "b16",
            'p' => "pred",
            _ => "",
        };
        if (type != expected || !_declared.TryAdd(kind, count))
            throw new EmulationException(FindingKind.Text, $"registers %{kind} of type {type}");
        if (kind is 'r' or 'f' or 'h')
            _rows += count;
    }

    /// <summary>The row, or the register of 64 bits or predicate, of a name; null if it is of another kind.</summary>
    public int? Find(string text, char kind)
    {
        if (text.Length < 3 || text[0] != '%' || text[1] != kind || SpecialNames.Contains(text)
            || !int.TryParse(text.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            return null;
        }

        if (index >= Count(kind))
            throw new EmulationException(FindingKind.Text, $"register {text} is not declared");
        return kind switch
        {
            'f' => Count('r') + index,
            'h' => Count('r') + Count('f') + index,
            _ => index,
        };
    }

    /// <summary>The row of a constant.</summary>
    public int Constant(uint value)
    {
        if (!_constants.TryGetValue(value, out int row))
            _constants.Add(value, row = _rows++);
        return row;
    }

    /// <summary>The row of a special register or of the address of shared memory; null for another name.</summary>
    public int? Special(string text)
    {
        if (text == SharedName)
            return Constant(0);
        if (!SpecialNames.Contains(text))
            return null;
        string name = text[1..];
        if (!_specials.TryGetValue(name, out int row))
            _specials.Add(name, row = _rows++);
        return row;
    }
}
