using System.Numerics.Tensors;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Estimators;

/// <summary>The range with the least mean squared error between the values and their levels' values.</summary>
/// <remarks>
/// For weights the magnitude is searched over <see cref="Candidates"/> fractions of the largest; for activations the
/// ends are searched together and then in turn, each time over as many fractions: after SiLU they have a short and a
/// long tail, and with outliers on both sides moving one end alone would stop too early.
/// </remarks>
internal sealed class MseEstimator : IRangeEstimator
{
    private const int Candidates = 100;

    private static readonly (bool Low, bool High)[] Rounds =
    [
        (true, true), (false, true), (true, false), (false, true),
    ];

    public bool NeedsHistograms => true;

    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ValueRange full = statistics.Range(group);
        var histogram = new SparseHistogram(statistics.Histogram(group), full);
        ValueRange best = new(Math.Min(full.Low, 0), Math.Max(full.High, 0));
        foreach ((bool moveLow, bool moveHigh) in Rounds)
        {
            ValueRange start = best;
            double least = double.PositiveInfinity;
            for (int k = Candidates; k >= 1; k--)
            {
                float fraction = (float)k / Candidates;
                var candidate = new ValueRange(
                    moveLow ? Math.Min(full.Low, 0) * fraction : start.Low,
                    moveHigh ? Math.Max(full.High, 0) * fraction : start.High);
                if (candidate.High - candidate.Low <= 0)
                    break;
                double error = histogram.SquaredError(bits, candidate);
                if (error < least)
                    (least, best) = (error, candidate);
            }
        }
        return best;
    }

    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(weights)), best = largest;
        int maxLevel = UniformQuantizer.LevelsOf(bits, isSymmetric: true).Max;
        double least = double.PositiveInfinity;
        for (int k = Candidates; k >= 1; k--)
        {
            float magnitude = largest * k / Candidates;
            double error = RoundingError.Square(weights, UniformQuantizer.SymmetricScale(bits, magnitude), maxLevel);
            if (error < least)
                (least, best) = (error, magnitude);
        }
        return best;
    }
}
