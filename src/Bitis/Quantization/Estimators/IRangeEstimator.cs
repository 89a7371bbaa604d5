using Bitis.Quantization.Calibration;

namespace Bitis.Quantization.Estimators;

/// <summary>Chooses the range of values that the levels cover.</summary>
public interface IRangeEstimator
{
    /// <summary>
    /// Whether <see cref="ActivationRange"/> needs histograms, which take a second pass over the images.
    /// </summary>
    bool NeedsHistograms { get; }

    /// <summary>Whether <see cref="ActivationRange"/> needs the values themselves, which are kept in memory.</summary>
    bool NeedsValues => false;

    /// <summary>
    /// The estimator to use where values cannot be kept (outside of blocks, inside scans); null for none.
    /// </summary>
    IRangeEstimator? WithoutValues => NeedsValues ? null : this;

    /// <summary>The range of one group of an activation.</summary>
    /// <param name="statistics">The statistics of the activation.</param>
    /// <param name="group">The group's index.</param>
    /// <param name="bits">Bits of a level.</param>
    ValueRange ActivationRange(SiteStatistics statistics, int group, int bits);

    /// <summary>The largest magnitude that the levels of one output channel's weights reach.</summary>
    /// <param name="weights">The weights of the channel.</param>
    /// <param name="bits">Bits of a level.</param>
    float WeightMagnitude(ReadOnlySpan<float> weights, int bits);
}
