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

    /// <summary>Reads neighbouring values, where a predicate is true.</summary>
    /// <param name="predicate">Whether to read; null for always.</param>
    /// <param name="load">How, as for one value.</param>
    /// <param name="values">One, two or four registers, which keep what they have where the predicate is false.</param>
    /// <param name="source">The place of the first one, a multiple of all their bytes.</param>
    /// <param name="areHalves">Whether float16 lie there.</param>
    public void LoadVector(Register? predicate, string load, Register[] values, Operand source, bool areHalves)
    {
        if (values.Length == 1)
        {
            Load(predicate, load, values[0], source, areHalves);
            return;
        }
        if (!areHalves)
        {
            DoWhere(predicate, $"{load}.v{values.Length}.f32", Operand.Vector(values), source);
            return;
        }
        Register[] words = New(RegisterKind.Word, values.Length / 2), halves = New(RegisterKind.Half, values.Length);
        DoWhere(predicate, $"{load}{VectorOfWords(words.Length)}", WordsOf(words), source);
        for (int i = 0; i < words.Length; i++)
            DoWhere(predicate, "mov.b32", Operand.Vector(halves.AsSpan(2 * i, 2)), words[i]);
        for (int i = 0; i < values.Length; i++)
            DoWhere(predicate, "cvt.f32.f16", values[i], halves[i]);
    }

    /// <summary>Writes neighbouring values, where a predicate is true.</summary>
    /// <param name="predicate">Whether to write; null for always.</param>
    /// <param name="target">The place of the first one, a multiple of all their bytes.</param>
    /// <param name="values">One, two or four floats.</param>
    /// <param name="areHalves">Whether float16 are stored.</param>
    public void StoreVector(Register? predicate, Operand target, ReadOnlySpan<Register> values, bool areHalves)
    {
        if (values.Length == 1)
        {
            Store(predicate, target, values[0], areHalves);
            return;
        }
        if (!areHalves)
        {
            DoWhere(predicate, $"st.global.v{values.Length}.f32", target, Operand.Vector(values));
            return;
        }
        var words = new Register[values.Length / 2];
        for (int i = 0; i < words.Length; i++)
            words[i] = PackHalves(values[2 * i], values[(2 * i) + 1]);
        DoWhere(predicate, $"st.global{VectorOfWords(words.Length)}", target, WordsOf(words));
    }

    /// <summary>Writes neighbouring levels, where a predicate is true.</summary>
    /// <param name="predicate">Whether to write; null for always.</param>
    /// <param name="target">The place of the first one, a multiple of all their bytes.</param>
    /// <param name="levels">One, two or four levels.</param>
    public void StoreLevels(Register? predicate, Operand target, ReadOnlySpan<Register> levels)
    {
        Register packed = levels.Length switch
        {
            1 => levels[0],
            2 => PackLevels(levels[0], levels[1]),
            _ => Or(PackLevels(levels[0], levels[1]), ShiftLeft(PackLevels(levels[2], levels[3]), 16)),
        };
        string type = levels.Length switch { 1 => "u8", 2 => "u16", _ => "b32" };
        DoWhere(predicate, $"st.global.{type}", target, packed);
    }

    /// <summary>Two floats as float16 in a word, the first one in the low half.</summary>
    public Register PackHalves(Register low, Register high) =>
        Emit(RegisterKind.Word, "cvt.rn.f16x2.f32", high, low);

    /// <summary>Two levels in the low bytes of a word.</summary>
    public Register PackLevels(Register low, Register high) => Or(low, ShiftLeft(high, 8));

    private static string VectorOfWords(int count) => count == 1 ? ".b32" : $".v{count}.b32";

    private static Operand WordsOf(Register[] words) => words.Length == 1 ? words[0] : Operand.Vector(words);

    private void DoWhere(Register? predicate, string opcode, Operand first, Operand second)
    {
        if (predicate is { } where)
            DoIf(where, opcode, first, second);
        else
            Do(opcode, first, second);
    }
}
