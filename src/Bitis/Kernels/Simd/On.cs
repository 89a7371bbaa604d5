namespace Bitis.Kernels.Simd;

/// <summary>A switch that is on.</summary>
internal readonly struct On : ISwitch
{
    /// <inheritdoc />
    public static bool IsOn => true;
}
