namespace Bitis.Quantization.Estimators;

/// <summary>
/// What a recipe says of the estimator of ranges that it names: each <see cref="RangeEstimatorKind"/> has a record of
/// its own, whose initial values are the usual ones.
/// </summary>
public abstract record EstimatorSettings
{
    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range; the message says what was expected.</exception>
    public virtual void Validate()
    {
    }
}
