using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Estimators;

/// <summary>The estimators of ranges that a recipe can name in place of its method's own.</summary>
public static class RangeEstimators
{
    private static readonly Registry<RangeEstimatorKind> Known = new(
        "estimator",
        $"{nameof(RangeEstimators)}.{nameof(Register)}",
        kind => kind.Name,
        [
            RangeEstimatorKind.Create("minmax", "the whole range", () => new MinMaxEstimator()),
            RangeEstimatorKind.Create(
                "percentile",
                "clips the same share of values at both ends",
                SettingsJson.Default.PercentileRange,
                settings => new PercentileEstimator(settings.Percentile)),
            RangeEstimatorKind.Create("mse", "least squared error", () => new MseEstimator()),
            RangeEstimatorKind.Create(
                "truncation",
                "least error to the power of 2.4 of ranges cut at both ends",
                () => new TruncationEstimator()),
        ]);

    /// <summary>All estimators: ours, then those that were registered.</summary>
    public static IReadOnlyList<RangeEstimatorKind> All => Known.All;

    /// <summary>The names of all estimators.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>The estimator with a name.</summary>
    /// <exception cref="BitisException">There is no such estimator; the message lists them.</exception>
    public static RangeEstimatorKind Find(string name) => Known.Find(name);

    /// <summary>
    /// Adds an estimator from outside, for all recipes and files of this process (docs/custom-methods.md).
    /// </summary>
    /// <exception cref="ArgumentException">There is an estimator of that name.</exception>
    public static void Register(RangeEstimatorKind estimator) => Known.Register(estimator);
}
