using Bitis.Quantization.Methods;

namespace Bitis.Quantization.Estimators;

/// <summary>The settings of the method <c>percentile</c>.</summary>
internal sealed record PercentileSettings : MethodSettings
{
    /// <summary>The percentage of values below the upper end of the range: more than 50, at most 100.</summary>
    public double Percentile { get; init; } = 99.99;

    /// <inheritdoc />
    public override void Validate() => Range.Validate();

    /// <summary>The settings of the range estimator.</summary>
    internal PercentileRange Range => new() { Percentile = Percentile };
}
