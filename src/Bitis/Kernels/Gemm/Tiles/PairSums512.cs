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
    public static PairSums512 operator +(PairSums512 left, PairSums512 right) => new(left._sums + right._sums);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 operator -(PairSums512 sums) => new(-sums._sums);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Load(sbyte* source) => new(Vector512.Load(source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Load(short* source) => new(Vector512.Load(source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PairSums512 sums, short* target) => sums._sums.Store(target);

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

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Sums(sbyte* source) =>
        new(Avx512BW.MultiplyAddAdjacent(Vector512<byte>.One, Vector512.Load(source)));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 Magnitudes(sbyte* source) =>
        new(Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(Vector512.Load(source)), Vector512<sbyte>.One));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums512 TimesZeroPoint(PairSums512 sums) =>
        new(sums._sums * Vector512.Create((short)PanelRuns.ZeroPoint));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyAbove(PairSums512 first, PairSums512 second, short bound) =>
        Vector512.GreaterThanAny(Vector512.Max(first._sums, second._sums), Vector512.Create(bound));
}
