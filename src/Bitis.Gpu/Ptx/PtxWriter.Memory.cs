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

    private void DoWhere(Register? predicate, string opcode, Operand first, Operand second)
    {
        if (predicate is { } where)
            DoIf(where, opcode, first, second);
        else
            Do(opcode, first, second);
    }
}
