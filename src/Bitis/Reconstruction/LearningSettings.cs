using Bitis.Quantization;

namespace Bitis.Reconstruction;

/// <summary>How a method learns: its usual choices with those of a recipe.</summary>
internal sealed record LearningSettings
{
    // A quarter of the usual 256 images: about as accurate as all of them in each step, in a quarter of the time (docs/ptq4vm.md).
    private const int SmallBatch = 64;

    /// <summary>What is made small.</summary>
    public BlockLoss Loss { get; init; } = BlockLoss.Cosine;

    /// <summary>Steps of the optimizer for each block.</summary>
    public required int Steps { get; init; }

    /// <summary>Images in a step; null for all.</summary>
    public int? BatchSize { get; init; }

    /// <summary>The learning rate of the weights' scales.</summary>
    public required double WeightRate { get; init; }

    /// <summary>The learning rate of the activations' scales.</summary>
    public required double ActivationRate { get; init; }

    /// <summary>The learning rate of the smoothing.</summary>
    public required double SmoothingRate { get; init; }

    /// <summary>The learning rate of the zero points, in levels; 0 where they stay as the search found them.</summary>
    public double ZeroPointRate { get; init; }

    /// <summary>The relative learning rate of scales inside of scans.</summary>
    public double ScanRate { get; init; } = 0.01;

    /// <summary>Whether the logarithms of scales and smoothing are learned, so that rates are relative and signs cannot change.</summary>
    public bool InLogarithms { get; init; }

    /// <summary>Whether rates fall to 0 along a cosine; else they are constant.</summary>
    public bool Anneals { get; init; }

    /// <summary>AdamW's λ.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The largest norm of a block's gradient; 0 for no limit.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Whether the state with the least loss is kept; else the last one.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>
    /// Whether layers whose scales the official code does not learn (<see cref="Models.ModelConfig.IsLearnedOfficially"/>) stay as the search
    /// found them, and pass gradients on as if they were not quantized.
    /// </summary>
    public bool KeepsUnlearnedLayers { get; init; }

    /// <summary>α of the smoothing.</summary>
    public required double Alpha { get; init; }

    /// <summary>The settings of a recipe.</summary>
    public static LearningSettings For(Recipe recipe)
    {
        LearningRecipe asked = recipe.Learning ?? new LearningRecipe();
        LearningSettings usual = Usual(recipe);
        return usual with
        {
            Steps = asked.Steps ?? usual.Steps,
            BatchSize = asked.BatchSize ?? usual.BatchSize,
            WeightRate = asked.WeightRate ?? usual.WeightRate,
            ActivationRate = asked.ActivationRate ?? usual.ActivationRate,
            SmoothingRate = asked.SmoothingRate ?? usual.SmoothingRate,
            Alpha = recipe.Alpha ?? usual.Alpha,
        };
    }

    private static LearningSettings Usual(Recipe recipe) => recipe.Method switch
    {
        "ptq4vm+" or "qmamba" or "qmamba+" => new LearningSettings
        {
            Loss = BlockLoss.RelativeError,
            Steps = 100,
            BatchSize = SmallBatch,
            WeightRate = 0.01,
            ActivationRate = 0.01,
            SmoothingRate = 0.02,
            ZeroPointRate = 0.1,
            InLogarithms = true,
            Anneals = true,
            KeepsBest = true,
            Alpha = 0.5,
        },
        // The authors' README, for Vim-Tiny in 4 bits.
        "ptq4vm" or "ptq4vm+qmamba" => new LearningSettings
        {
            Steps = 100,
            BatchSize = recipe.Method == "ptq4vm" ? null : SmallBatch,
            WeightRate = 5e-4,
            ActivationRate = 5e-4,
            SmoothingRate = 1e-2,
            WeightDecay = 1e-5,
            ClipNorm = 2,
            Anneals = recipe.CoversScans && recipe.Scan.SearchesOutput, // the scans' rates, and these with them
            KeepsBest = !recipe.Official,
            KeepsUnlearnedLayers = recipe.Official,
            Alpha = 0.5,
        },
        _ when QuantizationMethods.Find(recipe.Method).Learns => throw new NotSupportedException($"How '{recipe.Method}' learns is not said."),
        _ => new LearningSettings { Steps = 0, WeightRate = 0, ActivationRate = 0, SmoothingRate = 0, Alpha = 0.5 },
    };
}
