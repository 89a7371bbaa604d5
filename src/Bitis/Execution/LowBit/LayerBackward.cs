namespace Bitis.Execution.LowBit;

/// <summary>How the backward pass of one layer is computed.</summary>
/// <param name="Layer">The layer's node.</param>
/// <param name="Method">The method's name, or <see cref="None"/>.</param>
/// <param name="Reason">Why the method is not the policy's; null if it is.</param>
internal sealed record LayerBackward(string Layer, string Method, string? Reason)
{
    /// <summary>The method's name where there is no backward pass.</summary>
    public const string None = "none";
}
