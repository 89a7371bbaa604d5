using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>512 bits of 16-bit sums.</summary>
internal readonly unsafe struct PairSums512(Vector512<short> sums) : IPairSums<PairSums512>
{
    private readonly Vector512<short> _sums = sums;

    /// <inheritdoc />
    public static int Groups => 16;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Load(sbyte* source) => new(Vector512.Load(source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Broadcast(byte* source) => new(Vector512.Create(*(int*)source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 AddProducts(PairSums512 sums, PairSums512 x, PairSums512 w) =>
        new(sums._sums + Avx512BW.MultiplyAddAdjacent(x._sums.AsByte(), w._sums.AsSByte()));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(PairSums512 sums, int* target) =>
        (Vector512.Load(target) + Avx512BW.MultiplyAddAdjacent(sums._sums, Vector512<short>.One)).Store(target);
}
