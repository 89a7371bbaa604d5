using System.Numerics.Tensors;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// PTQ4VM's search for first scales: of 100 ranges, cut more and more, the one with the least mean |x − x̂|^2.4, over
/// the values themselves. An activation's range is cut at both ends by the same share of its width, before it is
/// widened to contain 0; the whole range is not among the candidates. This is what the authors' code does.
/// </summary>
internal sealed class TruncationEstimator : IRangeEstimator
{
    private const int Candidates = 100;

    public bool NeedsHistograms => false;

    public bool NeedsValues => true;

    public IRangeEstimator WithoutValues => new MseEstimator();

    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ValueRange full = statistics.Range(group), best = full;
        int levels = UniformQuantizer.LevelsOf(bits, isSymmetric: false).Max;
        double least = double.PositiveInfinity;
        // From half the width on nothing would be left of the range.
        for (int k = 1; k < Candidates / 2; k++)
        {
            float share = (float)k / Candidates, low = (full.Low * (1 - share)) + (full.High * share),
                high = (full.Low * share) + (full.High * (1 - share));
            float scale = Math.Max((high - low) / levels, 1e-8f), zero = MathF.Round(-low / scale);
            double error = 0;
            foreach (ReadOnlyMemory<float> row in statistics.Values(group))
            {
                error += RoundingError.Power(row.Span, scale, -zero, levels - zero);
                if (error >= least)
                    break;
            }
            if (error < least)
                (least, best) = (error, new ValueRange(low, high));
        }
        return best;
    }

    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(weights)), best = largest;
        int levels = UniformQuantizer.LevelsOf(bits, isSymmetric: true).Max;
        double least = double.PositiveInfinity;
        for (int k = 1; k <= Candidates; k++)
        {
            float magnitude = largest * k / Candidates;
            double error = RoundingError.Power(weights, Math.Max(magnitude / levels, 1e-8f), -levels, levels);
            if (error < least)
                (least, best) = (error, magnitude);
        }
        return best;
    }
}
