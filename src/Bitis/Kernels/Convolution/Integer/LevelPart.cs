namespace Bitis.Kernels.Convolution.Integer;

/// <summary>One of the inputs of an <see cref="IntegerGridConv"/>, which lie side by side in its channels.</summary>
internal unsafe struct LevelPart
{
    /// <summary>The levels <c>[H·W, channels]</c>, a byte each; rows of whole groups of four bytes.</summary>
    public byte* Source;

    /// <summary>The distance of its rows in bytes.</summary>
    public nint Stride;
}
