namespace Bitis.Gpu.Ptx;

/// <summary>An operand of an instruction: a register, a number, an address, or several registers.</summary>
internal readonly record struct Operand
{
    private readonly string _text;

    private Operand(string text) => _text = text;

    /// <summary>A register.</summary>
    public static implicit operator Operand(Register register) => new(register.ToString());

    /// <summary>An integer.</summary>
    public static implicit operator Operand(int value) => new(value.ToString());

    /// <summary>A float32, as its bits.</summary>
    public static implicit operator Operand(float value) => new($"0f{BitConverter.SingleToUInt32Bits(value):X8}");

    /// <summary>The registers of one vector or matrix fragment.</summary>
    public static Operand Vector(params ReadOnlySpan<Register> registers) =>
        new($"{{{string.Join(", ", registers.ToArray())}}}");

    /// <summary>The memory at an address.</summary>
    /// <param name="address">A register with an address.</param>
    /// <param name="offset">Bytes behind it.</param>
    public static Operand At(Register address, int offset = 0) =>
        new(offset == 0 ? $"[{address}]" : $"[{address}+{offset}]");

    /// <summary>A name that the assembler knows: a special register, a parameter or a label.</summary>
    public static Operand Named(string name) => new(name);

    /// <summary>The operand as it stands in the text.</summary>
    public override string ToString() => _text;
}
