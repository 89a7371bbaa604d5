namespace Bitis.Quantization.Methods;

/// <summary>The settings of a quantization method in a recipe.</summary>
/// <remarks>
/// Each <see cref="QuantizationMethod"/> has a record of its own, whose initial values are the usual ones. Records are
/// written to recipes and <c>.bitis</c> files as JSON, and compared by value: the same settings must be equal.
/// </remarks>
public abstract record MethodSettings
{
    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">A value is out of range; the message says what was expected.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Throws unless α is between 0 and 1.</summary>
    private protected static void RequireAlpha(double alpha)
    {
        if (!(alpha is >= 0 and <= 1))
            throw new BitisException($"The smoothing exponent alpha is {alpha}; expected 0 to 1.");
    }
}
