namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// A register of 16-bit sums, each of products of two bytes, and the operations that <see cref="PairRunsTile{TPairs}"/>
/// needs.
/// </summary>
internal unsafe interface IPairSums<TSelf>
    where TSelf : struct, IPairSums<TSelf>
{
    /// <summary>How many groups of four bytes a register holds.</summary>
    static abstract int Groups { get; }

    /// <summary>Sums of 16 bits; they wrap around.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>The negative sums.</summary>
    static abstract TSelf operator -(TSelf sums);

    /// <summary>Reads a register of bytes.</summary>
    static abstract TSelf Load(sbyte* source);

    /// <summary>Reads a register of sums.</summary>
    static abstract TSelf Load(short* source);

    /// <summary>Writes the sums.</summary>
    static abstract void Store(TSelf sums, short* target);

    /// <summary>Four bytes in all groups.</summary>
    static abstract TSelf Broadcast(byte* source);

    /// <summary>Adds to each sum <c>x[2i]·w[2i] + x[2i+1]·w[2i+1]</c>, of unsigned and signed bytes.</summary>
    static abstract TSelf AddProducts(TSelf sums, TSelf x, TSelf w);

    /// <summary>Adds the two sums of each group to an int32.</summary>
    static abstract void AddTo(TSelf sums, int* target);

    /// <summary><c>w[2i] + w[2i+1]</c>, of signed bytes.</summary>
    static abstract TSelf Sums(sbyte* source);

    /// <summary><c>|w[2i]| + |w[2i+1]|</c>, of signed bytes.</summary>
    static abstract TSelf Magnitudes(sbyte* source);

    /// <summary>The sums times <see cref="PanelRuns.ZeroPoint"/>.</summary>
    static abstract TSelf TimesZeroPoint(TSelf sums);

    /// <summary>Whether one of the sums is above a bound.</summary>
    static abstract bool AnyAbove(TSelf first, TSelf second, short bound);
}
