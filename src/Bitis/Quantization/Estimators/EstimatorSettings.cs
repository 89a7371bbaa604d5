namespace Bitis.Quantization.Estimators;

/// <summary>The settings of a range estimator in a recipe.</summary>
/// <remarks>
/// Each <see cref="RangeEstimatorKind"/> has a record of its own, whose initial values are the usual ones.
/// </remarks>
public abstract record EstimatorSettings
{
    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">A value is out of range; the message says what was expected.</exception>
    public virtual void Validate()
    {
    }
}
