namespace Bitis.Gpu.Ptx;

/// <content>Values that are float32 in registers, and float32 or float16 in memory.</content>
internal sealed partial class PtxWriter
{
    /// <summary>Reads a value of global memory, where a predicate is true.</summary>
    /// <param name="predicate">Whether to read; null for always.</param>
    /// <param name="load">
    /// How: <c>ld.global</c>, or <c>ld.global.nc</c> for memory that the kernel does not write.
    /// </param>
    /// <param name="value">The register, which keeps what it has where the predicate is false.</param>
    /// <param name="source">The place.</param>
    /// <param name="isHalf">Whether a float16 lies there.</param>
    public void Load(Register? predicate, string load, Register value, Operand source, bool isHalf)
    {
        if (!isHalf)
        {
            DoWhere(predicate, $"{load}.f32", value, source);
            return;
        }
        Register half = New(RegisterKind.Half);
        DoWhere(predicate, $"{load}.b16", half, source);
        DoWhere(predicate, "cvt.f32.f16", value, half);
    }

    /// <summary>Writes a value to global memory, where a predicate is true.</summary>
    /// <param name="predicate">Whether to write; null for always.</param>
    /// <param name="target">The place.</param>
    /// <param name="value">A float; beyond the range of float16, an infinity is stored.</param>
    /// <param name="isHalf">Whether a float16 is stored.</param>
    public void Store(Register? predicate, Operand target, Register value, bool isHalf)
    {
        if (isHalf)
            DoWhere(predicate, "st.global.b16", target, Emit(RegisterKind.Half, "cvt.rn.f16.f32", value));
        else
            DoWhere(predicate, "st.global.f32", target, value);
    }

    /// <summary>Reads a value and its neighbour, where a predicate is true.</summary>
    /// <param name="predicate">Whether to read; null for always.</param>
    /// <param name="load">How, as for one value.</param>
    /// <param name="pair">The registers, which keep what they have where the predicate is false.</param>
    /// <param name="source">The place of the first one, a multiple of their bytes.</param>
    /// <param name="areHalves">Whether float16 lie there.</param>
    public void LoadPair(Register? predicate, string load, Register[] pair, Operand source, bool areHalves)
    {
        if (!areHalves)
        {
            DoWhere(predicate, $"{load}.v2.f32", Operand.Vector(pair), source);
            return;
        }
        Register[] halves = New(RegisterKind.Half, 2);
        Register word = New(RegisterKind.Word);
        DoWhere(predicate, $"{load}.b32", word, source);
        DoWhere(predicate, "mov.b32", Operand.Vector(halves), word);
        for (int i = 0; i < pair.Length; i++)
            DoWhere(predicate, "cvt.f32.f16", pair[i], halves[i]);
    }

    /// <summary>Writes a value and its neighbour, where a predicate is true.</summary>
    /// <param name="predicate">Whether to write; null for always.</param>
    /// <param name="target">The place of the first one, a multiple of their bytes.</param>
    /// <param name="pair">Two floats.</param>
    /// <param name="areHalves">Whether float16 are stored.</param>
    public void StorePair(Register? predicate, Operand target, ReadOnlySpan<Register> pair, bool areHalves)
    {
        if (areHalves)
            DoWhere(predicate, "st.global.b32", target, PackHalves(pair[0], pair[1]));
        else
            DoWhere(predicate, "st.global.v2.f32", target, Operand.Vector(pair));
    }

    /// <summary>Two floats as float16 in a word, the first one in the low half.</summary>
    public Register PackHalves(Register low, Register high) =>
        Emit(RegisterKind.Word, "cvt.rn.f16x2.f32", high, low);

    /// <summary>Two levels in the low bytes of a word.</summary>
    public Register PackLevels(Register low, Register high) => Or(low, ShiftLeft(high, 8));

    private void DoWhere(Register? predicate, string opcode, Operand first, Operand second)
    {
        if (predicate is { } where)
            DoIf(where, opcode, first, second);
        else
            Do(opcode, first, second);
    }
}
