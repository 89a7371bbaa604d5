using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>What a model's answers must be before predictions are made of them.</summary>
internal static class Logits
{
    /// <summary>What messages call a model that another one is compared with.</summary>
    internal const string Reference = "the model that it is compared with";

    /// <summary>
    /// Checks that all logits are finite numbers; NaN compares as nothing, so a prediction made of it would mean
    /// nothing.
    /// </summary>
    /// <param name="logits"><c>[batch, classes]</c></param>
    /// <param name="nameOf">What to call an image, by its index in the batch.</param>
    /// <param name="model">Whose answers they are, for the message.</param>
    /// <exception cref="BitisException">One is NaN or infinite; the message names the first such image.</exception>
    public static void RequireFinite(FloatTensor logits, Func<int, string> nameOf, string model = "the model")
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(nameOf);
        if (logits.FindNonFinite() is not { } index)
            return;
        (int image, int label) = Math.DivRem(index, logits.Shape[^1]);
        throw new BitisException(
            $"{nameOf(image)}: {model} gives the logit {logits.Span[index]} for class {label}; expected a finite "
            + "number. Its values overflow float32: check its weights (bitis inspect), or quantize or train it again.");
    }
}
