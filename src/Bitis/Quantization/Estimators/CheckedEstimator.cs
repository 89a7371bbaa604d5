using System.Globalization;
using Bitis.Quantization.Calibration;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// An estimator whose ranges are checked before quantizers are made of them: it may come from outside, and no file
/// holds others.
/// </summary>
/// <param name="owner">Whose it is, for messages: <c>estimator 'mse'</c>.</param>
/// <param name="estimator">The estimator.</param>
internal sealed class CheckedEstimator(string owner, IRangeEstimator estimator) : IRangeEstimator
{
    /// <inheritdoc />
    public bool NeedsHistograms => estimator.NeedsHistograms;

    /// <inheritdoc />
    public bool NeedsValues => estimator.NeedsValues;

    /// <inheritdoc />
    public IRangeEstimator? WithoutValues => estimator.WithoutValues switch
    {
        null => null,
        { } same when ReferenceEquals(same, estimator) => this,
        { } other => new CheckedEstimator(owner, other),
    };

    /// <inheritdoc />
    /// <exception cref="BitisException">The range has no ends, or ends before it begins.</exception>
    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ValueRange range = estimator.ActivationRange(statistics, group, bits);
        bool isRange = float.IsFinite(range.Low) && float.IsFinite(range.High) && range.Low <= range.High;
        return isRange ? range : throw new BitisException(string.Create(
            CultureInfo.InvariantCulture,
            $"The {owner} gave a range from {range.Low} to {range.High}; expected finite numbers, from low to high."));
    }

    /// <inheritdoc />
    /// <exception cref="BitisException">The magnitude is negative, or not finite.</exception>
    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits)
    {
        float magnitude = estimator.WeightMagnitude(weights, bits);
        return magnitude >= 0 && float.IsFinite(magnitude) ? magnitude : throw new BitisException(string.Create(
            CultureInfo.InvariantCulture,
            $"The {owner} gave the magnitude {magnitude} for weights; expected a finite number of at least 0."));
    }
}
