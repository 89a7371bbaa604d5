using System.Globalization;

namespace Bitis.Gpu.Emulation.Text;

/// <summary>The operands of one instruction, which are checked as they are asked for.</summary>
internal sealed class Operands(Registers registers, string line, IReadOnlyList<string> texts)
{
    /// <summary>How many there are.</summary>
    public int Count => texts.Count;

    private string this[int i] => i < texts.Count ? texts[i] : throw Misfit(i);

    /// <summary>The row of an integer: a register or a number.</summary>
    public int Word(int i) => registers.Find(this[i], 'r') ?? registers.Constant(ParseInteger(this[i]));

    /// <summary>The row of a float: a register or a number.</summary>
    public int Float(int i) => registers.Find(this[i], 'f') ?? registers.Constant(ParseFloat(this[i]));

    /// <summary>The row of anything with 32 bits.</summary>
    public int Any(int i) => registers.Find(this[i], 'f')
        ?? (this[i].StartsWith("0f", StringComparison.Ordinal) ? registers.Constant(ParseFloat(this[i])) : Word(i));

    /// <summary>The row of a register.</summary>
    /// <param name="i">Which operand.</param>
    /// <param name="kinds">The letters of the kinds that fit.</param>
    public int Register(int i, string kinds)
    {
        foreach (char kind in kinds)
        {
            if (registers.Find(this[i], kind) is { } row)
                return row;
        }
        throw Misfit(i);
    }

    /// <summary>An integer in the text.</summary>
    public int Integer(int i) => (int)ParseInteger(this[i]);

    /// <summary>Whether an operand is a number of the text.</summary>
    public bool IsNumber(int i) => this[i][0] is '-' or (>= '0' and <= '9');

    /// <summary>Whether an operand is a vector.</summary>
    public bool IsVector(int i) => this[i].StartsWith('{');

    /// <summary>The registers of a vector.</summary>
    /// <param name="i">Which operand.</param>
    /// <param name="kinds">The letters of the kinds that fit.</param>
    /// <param name="count">How many there are.</param>
    public int[] Vector(int i, string kinds, int count)
    {
        string text = this[i];
        bool isVector = text.StartsWith('{');
        string[] parts = isVector ? text[1..^1].Split(',', StringSplitOptions.TrimEntries) : [text];
        if (parts.Length != count || (isVector && count == 1))
            throw Misfit(i);
        var operands = new Operands(registers, line, parts);
        return [.. parts.Select((_, part) => operands.Register(part, kinds))];
    }

    /// <summary>The register and the offset of an address.</summary>
    /// <param name="i">Which operand.</param>
    /// <param name="kind">The letter of the register's kind.</param>
    public (int Register, int Offset) Address(int i, char kind)
    {
        string text = this[i];
        if (!text.StartsWith('[') || !text.EndsWith(']'))
            throw Misfit(i);
        string[] parts = text[1..^1].Split('+');
        int offset = parts.Length > 1 ? (int)ParseInteger(parts[1]) : 0;
        return (registers.Find(parts[0], kind) ?? throw Misfit(i), offset);
    }

    /// <summary>The name in brackets.</summary>
    public string Bracketed(int i) => this[i].StartsWith('[') ? this[i][1..^1] : throw Misfit(i);

    /// <summary>The row of a special register or of the address of shared memory; null for anything else.</summary>
    public int? Special(int i) => registers.Special(this[i]);

    private EmulationException Misfit(int i) =>
        new(FindingKind.Text, $"'{(i < texts.Count ? texts[i] : "nothing")}' does not fit in '{line}'");

    private uint ParseInteger(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            && value is >= int.MinValue and <= uint.MaxValue
        ? (uint)value
        : throw new EmulationException(FindingKind.Text, $"'{text}' is no integer in '{line}'");

    private uint ParseFloat(string text) =>
        text.Length == 10 && text.StartsWith("0f", StringComparison.Ordinal)
            && uint.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint bits)
        ? bits
        : throw new EmulationException(FindingKind.Text, $"'{text}' is no float in '{line}'");
}
