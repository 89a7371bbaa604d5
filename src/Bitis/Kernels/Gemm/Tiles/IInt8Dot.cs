namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// A register of int32 sums, each of products of four neighbouring bytes, and how a processor adds to them
/// (<see cref="Int8GemmTile{TDot}"/>).
/// </summary>
/// <remarks>
/// Where the processor's products are of 16 bits, operands are two registers: the even and the odd bytes. Where they
/// are of bytes, the even register holds all of them, and the odd one is not used.
/// </remarks>
internal unsafe interface IInt8Dot<TSelf>
    where TSelf : struct, IInt8Dot<TSelf>
{
    /// <summary>The sums of a register.</summary>
    static abstract int Count { get; }

    /// <summary>The height of a tile whose sums and operands fit the registers: 4 or 6.</summary>
    static abstract int Rows { get; }

    /// <summary>Reads a register of weights.</summary>
    static abstract TSelf LoadWeights(sbyte* source, out TSelf odd);

    /// <summary>Four activations, in all groups of a register.</summary>
    static abstract TSelf Broadcast(byte* source, out TSelf odd);

    /// <summary><c>sums + Σ x·w</c> of four neighbours, exact.</summary>
    static abstract TSelf AddProducts(TSelf sums, TSelf x, TSelf xOdd, TSelf w, TSelf wOdd);

    /// <summary>Writes the sums.</summary>
    static abstract void Store(TSelf sums, int* target);
}
