namespace Bitis.Quantization.Methods;

/// <summary>The settings of the method <c>smoothquant</c>.</summary>
internal sealed record SmoothQuantSettings : MethodSettings
{
    /// <summary>The exponent α of <c>m_j = (max |x_j|)^α / (max |w_j|)^(1−α)</c>, from 0 to 1.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>Whether to smooth; false for comparison without smoothing.</summary>
    public bool Smoothing { get; init; } = true;

    /// <inheritdoc />
    public override void Validate() => RequireAlpha(Alpha);
}
