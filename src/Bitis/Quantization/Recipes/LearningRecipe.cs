namespace Bitis.Quantization.Recipes;

/// <summary>
/// How scales are learned, block by block. What is null is what is usual for the method (docs/ptq4vm.md).
/// </summary>
internal sealed record LearningRecipe
{
    /// <summary>Steps of the optimizer for each block; 0 for no learning.</summary>
    public int? Steps { get; init; }

    /// <summary>Images in a step, in turn; for <c>ptq4vm</c> usually all of them, else 64.</summary>
    public int? BatchSize { get; init; }

    /// <summary>The learning rate of the weights' scales.</summary>
    public double? WeightRate { get; init; }

    /// <summary>The learning rate of the activations' scales.</summary>
    public double? ActivationRate { get; init; }

    /// <summary>The learning rate of the smoothing.</summary>
    public double? SmoothingRate { get; init; }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Steps is < 0)
            throw new BitisException($"{Steps} steps of learning are not possible: expected 0 or more.");
        if (BatchSize is < 1)
            throw new BitisException($"A batch of {BatchSize} images is not possible: expected 1 or more.");
        RequireRate(WeightRate, "weight");
        RequireRate(ActivationRate, "activation");
        RequireRate(SmoothingRate, "smoothing");
    }

    private static void RequireRate(double? rate, string name)
    {
        if (rate is { } value && !(value is >= 0 and <= 10))
            throw new BitisException($"The {name} learning rate is {value}; expected 0 to 10.");
    }
}
