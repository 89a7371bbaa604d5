using System.Numerics.Tensors;
using Bitis.Quantization.Calibration;

namespace Bitis.Quantization.Estimators;

/// <summary>The whole range: nothing is clipped.</summary>
internal sealed class MinMaxEstimator : IRangeEstimator
{
    public bool NeedsHistograms => false;

    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits) => statistics.Range(group);

    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits) =>
        MathF.Abs(TensorPrimitives.MaxMagnitude(weights));
}
