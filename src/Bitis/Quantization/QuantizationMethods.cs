namespace Bitis.Quantization;

/// <summary>The methods that a recipe can name.</summary>
public static class QuantizationMethods
{
    private static readonly (string Name, Func<Recipe, IRangeEstimator> Create)[] Table =
    [
        ("minmax", _ => new MinMaxEstimator()),
        ("percentile", recipe => new PercentileEstimator(recipe.Percentile)),
        ("mse", _ => new MseEstimator()),
    ];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>The range estimator of a recipe's method.</summary>
    /// <exception cref="BitisException">There is no such method; the message lists them.</exception>
    public static IRangeEstimator Create(Recipe recipe)
    {
        foreach ((string name, Func<Recipe, IRangeEstimator> create) in Table)
        {
            if (name == recipe.Method)
                return create(recipe);
        }
        throw new BitisException($"There is no method '{recipe.Method}'; the methods are {string.Join(", ", Names)}.");
    }
}
