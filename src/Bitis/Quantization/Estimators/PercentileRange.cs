namespace Bitis.Quantization.Estimators;

/// <summary>The settings of the range estimator <c>percentile</c>.</summary>
internal sealed record PercentileRange : EstimatorSettings
{
    /// <summary>The percentage of values below the upper end of the range: more than 50, at most 100.</summary>
    public double Percentile { get; init; } = 99.99;

    /// <inheritdoc />
    public override void Validate()
    {
        if (!(Percentile is > 50 and <= 100))
        {
            throw new BitisException(
                $"A percentile of {Percentile} does not make a range: expected more than 50, at most 100.");
        }
    }
}
