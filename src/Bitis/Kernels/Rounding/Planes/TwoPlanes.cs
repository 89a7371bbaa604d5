using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding.Planes;

/// <summary>Levels of almost 16 bits, <c>v = 255·high + low</c>, as two planes of signed bytes.</summary>
/// <remarks>
/// The 8-bit product serves for both planes. Since the base is odd, no level lies half way between two multiples of it:
/// both parts are at most 127, and the nearest multiple is the same however it is found.
/// </remarks>
internal static class TwoPlanes
{
    /// <summary>What a step of the high plane counts.</summary>
    public const int Base = 255;

    /// <summary>The largest part of a level.</summary>
    public const int MaxPart = 127;

    /// <summary>The largest level.</summary>
    public const int MaxLevel = (Base * MaxPart) + MaxPart;

    /// <summary>The two parts of a value's nearest level.</summary>
    /// <param name="value">The value in units of its scale, at most <see cref="MaxLevel"/>.</param>
    /// <param name="low">The low part.</param>
    /// <returns>The high part.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Split<TLanes>(TLanes value, out TLanes low)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes level = TLanes.Round(value), high = TLanes.Round(level * TLanes.Create(1f / Base));
        low = TLanes.MultiplyAdd(high, TLanes.Create(-Base), level); // integers below 2²⁴: exact
        return high;
    }
}
