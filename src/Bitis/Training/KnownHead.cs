using Bitis.Evaluation;
using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>Keeps the rows of a trained head for known classes, in a head for other classes or another order.</summary>
internal static class KnownHead
{
    /// <summary>A model with a new head. Classes that the model has, by name, keep their rows of the head.</summary>
    /// <param name="model">A model with class names.</param>
    /// <param name="names">The names of the new classes, by index.</param>
    /// <param name="seed">The same seed gives the same fresh rows.</param>
    /// <returns>The model, and how many classes kept their rows.</returns>
    /// <exception cref="ArgumentException">The model has no class names.</exception>
    public static (VisionModel Model, int Kept) For(VisionModel model, IReadOnlyList<string> names, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(names);
        IReadOnlyList<string> known = model.ClassNames
            ?? throw new ArgumentException("The model has no class names.", nameof(model));
        int[] sources = ClassMap.Match(names, known);
        VisionModel result = model.WithNewHead(names.Count, seed);
        Dictionary<string, FloatTensor> weights = result.Weights.ToDictionary();
        foreach (string parameter in result.HeadParameters)
            weights[parameter] = WithRows(weights[parameter], model.Weights[parameter], sources);
        return (result.WithWeights(weights).WithClassNames(names), sources.Count(source => source >= 0));
    }

    /// <summary>A model whose classes are in the order of some names.</summary>
    /// <param name="model">The model; it is returned unchanged if it or the images have no class names.</param>
    /// <param name="names">The names, as many as the model has classes; null if they are unknown.</param>
    /// <exception cref="BitisException">The model's classes are others.</exception>
    internal static VisionModel InOrder(VisionModel model, IReadOnlyList<string>? names)
    {
        if (names is null || model.ClassNames is not { } known || names.SequenceEqual(known))
            return model;
        if (ClassMap.Permutation(names, known) is null)
        {
            throw new BitisException(
                "The initial model has other classes than the training images: "
                + $"it has {ClassMap.Quote(known)}, they have {ClassMap.Quote(names)}. "
                + "'bitis finetune' makes a new head for other classes.");
        }
        return For(model, names, seed: 0).Model;
    }

    /// <summary>A copy of <c>[classes, ...]</c> with rows of another tensor where there is one.</summary>
    private static FloatTensor WithRows(FloatTensor fresh, FloatTensor known, int[] sources)
    {
        FloatTensor result = FloatTensor.From(fresh.Shape, fresh.Span.ToArray());
        int length = result.Length / sources.Length;
        for (int row = 0; row < sources.Length; row++)
        {
            if (sources[row] >= 0)
                known.Span.Slice(sources[row] * length, length).CopyTo(result.Span.Slice(row * length, length));
        }
        return result;
    }
}
