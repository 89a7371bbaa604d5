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
    public static PairSums256 operator +(PairSums256 left, PairSums256 right) => new(left._sums + right._sums);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 operator -(PairSums256 sums) => new(-sums._sums);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Load(sbyte* source) => new(Vector256.Load(source).AsInt16());

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Load(short* source) => new(Vector256.Load(source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PairSums256 sums, short* target) => sums._sums.Store(target);

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

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Sums(sbyte* source) =>
        new(Avx2.MultiplyAddAdjacent(Vector256<byte>.One, Vector256.Load(source)));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 Magnitudes(sbyte* source) =>
        new(Avx2.MultiplyAddAdjacent(Avx2.Abs(Vector256.Load(source)), Vector256<sbyte>.One));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums256 TimesZeroPoint(PairSums256 sums) =>
        new(sums._sums * Vector256.Create((short)PanelRuns.ZeroPoint));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyAbove(PairSums256 first, PairSums256 second, short bound) =>
        Vector256.GreaterThanAny(Vector256.Max(first._sums, second._sums), Vector256.Create(bound));
}
