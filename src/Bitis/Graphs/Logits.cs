using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Checks a model's logits before predictions are made of them.</summary>
internal static class Logits
{
    /// <summary>The name in messages for the model that another one is compared with.</summary>
    internal const string Reference = "the model that it is compared with";

    /// <summary>
    /// Checks that all logits are finite. Predictions from NaN would be meaningless, since NaN has no order.
    /// </summary>
    /// <param name="logits"><c>[batch, classes]</c>, or <c>[batch, places, classes]</c>.</param>
    /// <param name="nameOf">The name of an image in the message, by its index in the batch.</param>
    /// <param name="model">The name of the model in the message.</param>
    /// <exception cref="BitisException">A logit is NaN or infinite; the message names the first such image.</exception>
    public static void RequireFinite(FloatTensor logits, Func<int, string> nameOf, string model = "the model")
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(nameOf);
        if (logits.FindNonFinite() is not { } index)
            return;
        int image = index / (logits.Length / logits.Shape[0]), label = index % logits.Shape[^1];
        throw new BitisException(
            $"{nameOf(image)}: {model} gives the logit {logits.Span[index]} for class {label}; expected a finite "
            + "number. Its values overflow float32: check its weights (bitis inspect), or quantize or train it again.");
    }
}
