namespace Bitis.Runtime.Kernels;

/// <summary>A switch that is off.</summary>
internal readonly struct Off : ISwitch
{
    /// <inheritdoc />
    public static bool IsOn => false;
}
