using Bitis;
using Bitis.Quantization.Estimators;

namespace CustomMethod;

/// <summary>The settings of the estimator <c>sigma</c>.</summary>
public sealed record SigmaRange : EstimatorSettings
{
    /// <summary>How many standard deviations a range reaches to both sides of the mean.</summary>
    public double Sigmas { get; init; } = 4;

    /// <inheritdoc />
    public override void Validate()
    {
        if (!(Sigmas is > 0 and <= 100))
            throw new BitisException($"{Sigmas} standard deviations make no range: expected more than 0, at most 100.");
    }
}
