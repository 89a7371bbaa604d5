namespace Bitis.Gpu.Ptx;

/// <summary>A virtual register. The driver's assembler chooses the real one.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Index">Its number among those of its kind.</param>
internal readonly record struct Register(RegisterKind Kind, int Index)
{
    /// <summary>The name in the text.</summary>
    public override string ToString() => $"%{Kind.Letter()}{Index}";
}
