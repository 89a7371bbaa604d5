using Bitis.Kernels.Rounding.Planes;

namespace Bitis.KernelHarness.References;

/// <summary>Levels of two planes, one value after the other, as <see cref="TwoPlanes"/> promises them.</summary>
internal static class PlanesOfLevels
{
    /// <summary>The levels of values that share a scale.</summary>
    public static (sbyte High, sbyte Low)[] Split(float[] values, out float scale)
    {
        float largest = values.Length == 0 ? 0 : values.Max(Math.Abs);
        scale = largest / 32512;
        float inverse = largest > 0 ? 32512 / largest : 0;
        return
        [
            .. values.Select(value =>
            {
                int level = (int)MathF.Round(value * inverse), high = (int)Math.Round(level / 255.0);
                return ((sbyte)high, (sbyte)(level - (255 * high)));
            }),
        ];
    }
}
