using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>256 bits of 16-bit sums.</summary>
internal readonly unsafe struct PairSums256(Vector256<short> sums) : IPairSums<PairSums256>
{
    private readonly Vector256<short> _sums = sums;

    /// <inheritdoc />
    public static int Groups => 8;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Load(sbyte* source) => new(Vector256.Load(source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Broadcast(byte* source) => new(Vector256.Create(*(int*)source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 AddProducts(PairSums256 sums, PairSums256 x, PairSums256 w) =>
        new(sums._sums + Avx2.MultiplyAddAdjacent(x._sums.AsByte(), w._sums.AsSByte()));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(PairSums256 sums, int* target) =>
        (Vector256.Load(target) + Avx2.MultiplyAddAdjacent(sums._sums, Vector256<short>.One)).Store(target);
}
