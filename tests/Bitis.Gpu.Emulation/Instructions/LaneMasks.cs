using System.Runtime.Intrinsics;

namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Masks of lanes as vectors.</summary>
internal static class LaneMasks
{
    private static readonly Vector256<uint>[] Vectors = [.. Enumerable.Range(0, 256).Select(
        bits => Vector256.Create([.. Enumerable.Range(0, 8).Select(i => (bits >> i & 1) != 0 ? uint.MaxValue : 0u)]))];

    /// <summary>Eight lanes of a mask.</summary>
    public static Vector256<uint> Of(uint mask, int firstLane) => Vectors[(mask >> firstLane) & 255];
}
