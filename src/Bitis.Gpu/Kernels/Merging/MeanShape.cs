namespace Bitis.Gpu.Kernels.Merging;

/// <summary>What the text of a mean over the tokens depends on.</summary>
/// <param name="Tokens">L.</param>
/// <param name="Channels">The length of a token.</param>
internal sealed record MeanShape(int Tokens, int Channels)
{
    /// <summary>The distance of tokens in elements.</summary>
    public int InputStride { get; init; } = Channels;

    /// <summary>Whether tokens are float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>Of layer norms: what is added to the variance before the root; null for a plain mean.</summary>
    public float? Epsilon { get; init; }

    /// <summary>What levels are written; null for floats.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>Whether floats are written as float16.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>The distance of means in elements.</summary>
    public int OutputStride { get; init; } = Channels;
}
