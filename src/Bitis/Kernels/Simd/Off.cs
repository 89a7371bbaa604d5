namespace Bitis.Kernels.Simd;

/// <summary>A switch that is off.</summary>
internal readonly struct Off : ISwitch
{
    /// <inheritdoc />
    public static bool IsOn => false;
}
