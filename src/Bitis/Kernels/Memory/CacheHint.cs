using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Memory;

/// <summary>Prefetches memory where a kernel's order of access hides it from the hardware's prefetcher.</summary>
/// <remarks>
/// Such an order is a register of channels, token after token. Prefetching changes time, never results.
/// </remarks>
internal static unsafe class CacheHint
{
    private const int Line = 64 / sizeof(float);

    /// <summary>Starts to load some rows of a matrix.</summary>
    /// <param name="rows">The first row.</param>
    /// <param name="stride">The distance of rows in elements.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="columns">The length of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WillRead(float* rows, nint stride, int count, int columns)
    {
        if (!Sse.IsSupported)
            return;
        for (int row = 0; row < count; row++, rows += stride)
        {
            for (int column = 0; column < columns; column += Line)
                Sse.Prefetch1(rows + column);
        }
    }
}
