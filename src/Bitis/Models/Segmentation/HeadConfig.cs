using System.Text.Json.Serialization;

namespace Bitis.Models.Segmentation;

/// <summary>The architecture of a head, with the names of mmsegmentation's settings.</summary>
internal sealed record HeadConfig
{
    /// <summary>The kind.</summary>
    public required HeadKind Kind { get; init; }

    /// <summary>The channels inside of the head (<c>channels</c>).</summary>
    public required int Channels { get; init; }

    /// <summary>The stage whose map an FCN head reads, counted from 0 (<c>in_index</c>).</summary>
    /// <remarks>A UPer head reads the maps of all stages.</remarks>
    public int Stage { get; init; }

    /// <summary>The convolutions of an FCN head (<c>num_convs</c>).</summary>
    public int Convolutions { get; init; }

    /// <summary>The side of an FCN head's filters (<c>kernel_size</c>).</summary>
    public int KernelSize { get; init; } = 3;

    /// <summary>Whether an FCN head also convolves its input and result together (<c>concat_input</c>).</summary>
    public bool ConcatenatesInput { get; init; }

    /// <summary>The groups of group norms in place of batch norms; null for batch norms.</summary>
    /// <remarks>Heads that are trained from scratch have group norms, as batches have no statistics here.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NormGroups { get; init; }

    /// <summary>The bins of a UPer head's pyramid pooling along one side (<c>pool_scales</c>).</summary>
    [JsonIgnore]
    public static IReadOnlyList<int> PoolScales { get; } = [1, 2, 3, 6];

    /// <summary>The head in a few words.</summary>
    public string Describe() => Kind == HeadKind.UPer
        ? $"UPerHead of {DisplayText.Count(Channels, "channel")}"
        : $"FCN head of {DisplayText.Count(Convolutions, "convolution")} and {DisplayText.Count(Channels, "channel")}";
}
