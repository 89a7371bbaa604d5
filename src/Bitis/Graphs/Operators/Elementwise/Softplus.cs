namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>
/// <c>ln(1 + eˣ)</c>, and x itself above 20, as PyTorch computes it; turns a projection into the step Δ.
/// </summary>
internal sealed record Softplus : ElementwiseUnary
{
    /// <summary>Above this, softplus(x) is x.</summary>
    public const float Threshold = 20;

    /// <inheritdoc />
    public override string Kind => "softplus";

    /// <inheritdoc />
    internal override bool IsPartOfQuantizedScan => true;

    /// <inheritdoc />
    public override float Apply(float x) => Of(x);

    /// <summary>softplus(x).</summary>
    /// <remarks>
    /// For very negative x, 1 + eˣ rounds to 1 while ln(1 + eˣ) ≈ eˣ does not vanish: the second branch.
    /// </remarks>
    public static float Of(float x)
    {
        if (x > Threshold)
            return x;
        double e = Math.Exp(x);
        return (float)(e < 1e-8 ? e : Math.Log(1 + e));
    }
}
