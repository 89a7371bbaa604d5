namespace Bitis.Gpu.Ptx;

/// <summary>The processors that a text is for.</summary>
/// <param name="Name">The name in the text.</param>
/// <param name="Version">The least version of the language that knows the target.</param>
/// <param name="Capability">The capability that the target has.</param>
internal sealed record PtxTarget(string Name, string Version, ComputeCapability Capability)
{
    /// <summary>Ampere and all that came later.</summary>
    public static PtxTarget Sm80 { get; } = new("sm_80", "7.0", new ComputeCapability(8, 0));

    /// <summary>Hopper with its own instructions; no other processor runs it.</summary>
    public static PtxTarget Sm90a { get; } = new("sm_90a", "8.0", new ComputeCapability(9, 0));

    /// <summary>All targets.</summary>
    public static IReadOnlyList<PtxTarget> All { get; } = [Sm80, Sm90a];

    /// <summary>The best target for a device.</summary>
    /// <exception cref="BitisException">The device is older than all targets.</exception>
    public static PtxTarget For(ComputeCapability capability) =>
        capability == Sm90a.Capability ? Sm90a
        : capability >= Sm80.Capability ? Sm80
        : throw new BitisException(
            $"The GPU has compute capability {capability}, but Bitis needs {Sm80.Capability} (Ampere) or later.");
}
