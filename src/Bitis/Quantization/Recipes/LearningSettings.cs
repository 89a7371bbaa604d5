using Bitis.Quantization.Methods;

namespace Bitis.Quantization.Recipes;

/// <summary>How a method smooths linear layers and learns scales, block by block.</summary>
public sealed record LearningSettings
{
    /// <summary>
    /// The exponent α of the smoothing, from 0 to 1 (<see cref="SmoothedLearningSettings.Alpha"/>); null for no
    /// smoothing.
    /// </summary>
    public double? SmoothingAlpha { get; init; }

    /// <summary>The loss that is minimized.</summary>
    public BlockLoss Loss { get; init; } = BlockLoss.Cosine;

    /// <summary>Steps of the optimizer for each block; 0 for no learning.</summary>
    public int Steps { get; init; }

    /// <summary>Images in a step; null for all.</summary>
    public int? BatchSize { get; init; }

    /// <summary>The learning rate of the weights' scales.</summary>
    public double WeightRate { get; init; }

    /// <summary>The learning rate of the activations' scales.</summary>
    public double ActivationRate { get; init; }

    /// <summary>The learning rate of the smoothing.</summary>
    public double SmoothingRate { get; init; }

    /// <summary>The learning rate of the zero points, in levels; 0 to keep those of the search.</summary>
    public double ZeroPointRate { get; init; }

    /// <summary>The relative learning rate of scales inside of scans.</summary>
    public double ScanRate { get; init; } = 0.01;

    /// <summary>
    /// Whether scales and smoothing are learned as logarithms. Rates are then relative, and signs cannot change.
    /// </summary>
    public bool InLogarithms { get; init; }

    /// <summary>Whether rates fall to 0 along a cosine instead of being constant.</summary>
    public bool Anneals { get; init; }

    /// <summary>The weight decay λ of AdamW.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The largest norm of a block's gradient; 0 for no limit.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Whether the state with the least loss is kept instead of the last one.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>Whether layers that PTQ4VM's official code does not learn keep the scales of the search.</summary>
    /// <remarks>
    /// The model's family says which layers it learns. The others pass gradients on as if they were not quantized.
    /// </remarks>
    public bool KeepsUnlearnedLayers { get; init; }

    /// <summary>These settings with the values of a recipe.</summary>
    internal LearningSettings With(LearningRecipe asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return this with
        {
            Steps = asked.Steps ?? Steps,
            BatchSize = asked.BatchSize ?? BatchSize,
            WeightRate = asked.WeightRate ?? WeightRate,
            ActivationRate = asked.ActivationRate ?? ActivationRate,
            SmoothingRate = asked.SmoothingRate ?? SmoothingRate,
        };
    }

    /// <summary>What is wrong with the settings; null if they are valid.</summary>
    internal string? Problem
    {
        get
        {
            if (SmoothingAlpha is { } alpha && !(alpha is >= 0 and <= 1))
                return $"a smoothing exponent of {alpha}: expected 0 to 1";
            if (Steps < 0)
                return $"{Steps} steps of learning: expected 0 or more";
            if (BatchSize is < 1)
                return $"a batch of {BatchSize} images: expected 1 or more";
            double[] rates =
                [WeightRate, ActivationRate, SmoothingRate, ZeroPointRate, ScanRate, WeightDecay, ClipNorm];
            return Array.TrueForAll(rates, rate => rate >= 0 && double.IsFinite(rate))
                ? null
                : "a rate, weight decay or norm that is not a number of at least 0";
        }
    }
}
