namespace Bitis.Quantization.Methods;

/// <summary>The settings of a quantization method in a recipe.</summary>
/// <remarks>
/// Each <see cref="QuantizationMethod"/> has a record of its own, whose initial values are the usual ones. Records are
/// written to recipes and <c>.bitis</c> files as JSON, and compared: two settings that say the same must be equal.
/// </remarks>
public abstract record MethodSettings
{
    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">A value is out of its range; the message says what was expected.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Throws unless α is one that smoothing can have.</summary>
    private protected static void RequireAlpha(double alpha)
    {
        if (!(alpha is >= 0 and <= 1))
            throw new BitisException($"The smoothing exponent alpha is {alpha}; expected 0 to 1.");
    }
}
