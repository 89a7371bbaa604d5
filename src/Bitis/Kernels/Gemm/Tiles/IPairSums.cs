namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// A register of 16-bit sums, each of products of two bytes, and the operations that <see cref="Int4GemmTile{TPairs}"/>
/// needs.
/// </summary>
internal unsafe interface IPairSums<TSelf>
    where TSelf : struct, IPairSums<TSelf>
{
    /// <summary>How many groups of four bytes a register holds.</summary>
    static abstract int Groups { get; }

    /// <summary>Reads a register of bytes.</summary>
    static abstract TSelf Load(sbyte* source);

    /// <summary>Four bytes in all groups.</summary>
    static abstract TSelf Broadcast(byte* source);

    /// <summary>Adds to each sum <c>x[2i]·w[2i] + x[2i+1]·w[2i+1]</c>, of unsigned and signed bytes.</summary>
    static abstract TSelf AddProducts(TSelf sums, TSelf x, TSelf w);

    /// <summary>Adds the two sums of each group to an int32.</summary>
    static abstract void AddTo(TSelf sums, int* target);
}
