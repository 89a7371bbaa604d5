using Bitis.Quantization.Estimators;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Quantization.Methods;

/// <summary>The methods that come with Bitis (docs/quantization.md, docs/ptq4vm.md, docs/qmamba.md).</summary>
internal static class BuiltInMethods
{
    // A quarter of the usual 256 images: about as accurate as all images in each step, in a quarter of the time
    // (docs/ptq4vm.md).
    private const int SmallBatch = 64;

    /// <summary>Learning of <c>ptq4vm+</c>, <c>qmamba</c> and <c>qmamba+</c>.</summary>
    private static readonly LearningSettings Ours = new()
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
    };

    /// <summary>Learning of PTQ4VM, after its authors' README, for Vim-Tiny in 4 bits.</summary>
    private static readonly LearningSettings Authors = new()
    {
        Steps = 100,
        WeightRate = 5e-4,
        ActivationRate = 5e-4,
        SmoothingRate = 1e-2,
        WeightDecay = 1e-5,
        ClipNorm = 2,
        KeepsBest = true,
    };

    /// <summary>All methods, the simplest first.</summary>
    public static IReadOnlyList<QuantizationMethod> All { get; } =
    [
        QuantizationMethod.Create("minmax", "whole ranges", _ => new() { Estimator = new MinMaxEstimator() }),
        QuantizationMethod.Create(
            "percentile",
            "clips a share of the values",
            SettingsJson.Default.PercentileSettings,
            (settings, _) => new() { Estimator = new PercentileEstimator(settings.Percentile) }),
        QuantizationMethod.Create("mse", "least squared error", _ => new() { Estimator = new MseEstimator() }),
        QuantizationMethod.Create(
            "smoothquant",
            "smoothing, whole ranges",
            SettingsJson.Default.SmoothQuantSettings,
            (settings, _) => new()
            {
                Estimator = new MinMaxEstimator(),
                Learning = new() { SmoothingAlpha = AlphaOf(settings.Smoothing, settings.Alpha) },
            }),
        QuantizationMethod.Create(
            "log2",
            "powers of two for Ā",
            _ => new() { Estimator = new MseEstimator(), Scan = ScanMethod.Log2 }),
        QuantizationMethod.Create(
            "quamba",
            "rotated outputs of scans",
            _ => new() { Estimator = new MinMaxEstimator(), Scan = ScanMethod.Quamba, Rotates = true }),
        QuantizationMethod.Create(
            "qmamba",
            "long-tailed Ā, groups of tokens, learned scales",
            SettingsJson.Default.QMambaSettings,
            (settings, _) => new()
            {
                Estimator = new MseEstimator(),
                Learning = Ours.With(settings.Learning),
                Scan = ScanMethod.QMamba,
            }),
        QuantizationMethod.Create(
            "qmamba+",
            "ours for scopes ssm and full",
            SettingsJson.Default.SmoothedLearningSettings,
            (settings, _) => PerToken(new MseEstimator(), Ours, settings) with { Scan = ScanMethod.QMambaPlus }),
        QuantizationMethod.Create(
            "ptq4vm",
            "scales per token, smoothing, learned scales",
            SettingsJson.Default.Ptq4vmSettings,
            (settings, _) => PerToken(
                new TruncationEstimator(),
                Authors with { KeepsBest = !settings.Official, KeepsUnlearnedLayers = settings.Official },
                settings)),
        QuantizationMethod.Create(
            "ptq4vm+qmamba",
            "PTQ4VM with QMamba's scans",
            SettingsJson.Default.SmoothedLearningSettings,
            (settings, scope) => PerToken(
                new TruncationEstimator(),
                // The learning rates of the scans fall, and these fall with them.
                Authors with { BatchSize = SmallBatch, Anneals = scope is Scope.Ssm or Scope.Full },
                settings) with
            { Scan = ScanMethod.QMamba }),
        QuantizationMethod.Create(
            "ptq4vm+",
            "ours for scope linear",
            SettingsJson.Default.SmoothedLearningSettings,
            (settings, _) => PerToken(new MseEstimator(), Ours, settings)),
    ];

    private static MethodBehavior PerToken(
        IRangeEstimator estimator, LearningSettings learning, SmoothedLearningSettings settings) => new()
        {
            Estimator = estimator,
            Granularity = Granularity.PerToken,
            Learning = learning.With(settings.Learning) with
            {
                SmoothingAlpha = AlphaOf(settings.Smoothing, settings.Alpha),
            },
        };

    private static double? AlphaOf(bool smooths, double alpha) => smooths ? alpha : null;
}
