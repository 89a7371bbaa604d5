using Bitis.Quantization.Calibration;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// Decides which range of values the levels cover: the one choice in which the classic methods differ.
/// </summary>
public interface IRangeEstimator
{
    /// <summary>
    /// Whether <see cref="ActivationRange"/> looks at histograms, which cost a second pass over the images.
    /// </summary>
    bool NeedsHistograms { get; }

    /// <summary>Whether <see cref="ActivationRange"/> looks at the values themselves, which have to be kept.</summary>
    bool NeedsValues => false;

    /// <summary>
    /// What decides ranges where values cannot be kept: outside of blocks, and inside of scans; null for nothing.
    /// </summary>
    IRangeEstimator? WithoutValues => NeedsValues ? null : this;

    /// <summary>The range of one group of an activation.</summary>
    ValueRange ActivationRange(SiteStatistics statistics, int group, int bits);

    /// <summary>The largest magnitude that the levels of one output channel's weights reach.</summary>
    float WeightMagnitude(ReadOnlySpan<float> weights, int bits);
}
