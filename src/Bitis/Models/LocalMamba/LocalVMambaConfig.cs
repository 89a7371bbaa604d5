using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Bitis.Models.VMamba;

namespace Bitis.Models.LocalMamba;

/// <summary>
/// The architecture of a LocalVMamba (Huang et al., "LocalMamba: Visual State Space Model with Windowed Selective
/// Scan", 2024): a
/// pyramid as a VMamba is, each of whose blocks has four scan directions of its own choice, and a gate that merges
/// them.
/// </summary>
internal sealed record LocalVMambaConfig : VMambaConfig
{
    /// <summary>An architecture whose values are still to be set.</summary>
    public LocalVMambaConfig()
    {
    }

    /// <summary>A pyramid with other scans.</summary>
    /// <param name="pyramid">All but the scans.</param>
    /// <param name="directions">The directions of each block; see <see cref="Directions"/>.</param>
    [SetsRequiredMembers]
    public LocalVMambaConfig(VMambaConfig pyramid, IReadOnlyList<string> directions)
        : base(pyramid) => Directions = directions;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "LocalVMamba";

    /// <summary>
    /// The four scan directions of each block, stage by stage, by their official names: <c>h,v_flip,w7,w7_flip</c>.
    /// </summary>
    /// <remarks>
    /// Rows (<c>h</c>), columns (<c>v</c>) or windows of so many tokens a side (<c>w7</c>); <c>_flip</c> starts at the
    /// end.
    /// </remarks>
    public required IReadOnlyList<string> Directions { get; init; }

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(InnerWidth, LocalScans.GateReduction, int.MaxValue, "innerWidth");
        int blocks = Depths.Sum();
        if (Directions is null || Directions.Count != blocks)
        {
            throw new BitisException(
                $"The model has scan directions of {DisplayText.Count(Directions?.Count ?? 0, "block")}; "
                + $"expected {blocks}.");
        }
        ScanDirection.Validate(Directions);
    }

    /// <inheritdoc />
    public override string Describe() => $"{base.Describe()}; {ScanDirection.Describe(Directions)}";

    /// <summary>Whether two architectures are the same; directions count by their names.</summary>
    public bool Equals(LocalVMambaConfig? other) => base.Equals(other) && Directions.SequenceEqual(other.Directions);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Directions.Count);
}
