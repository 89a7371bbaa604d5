using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Tensors;
using Bitis.Training.Losses;

namespace Bitis.Training;

/// <summary>Compares low-bit gradients with the exact ones on a few images.</summary>
/// <remarks>The measure is the cosine between them, for the weights of each layer.</remarks>
internal static class GradientComparison
{
    /// <summary>Enough images for a stable result, and few enough to take little time in an epoch.</summary>
    private const int MaxImages = 32;

    /// <summary>Computes both gradients of some images at the same weights.</summary>
    /// <param name="model">The graph.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="lowBit">The executor of the approximated gradients, which are overwritten.</param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    /// <param name="images">Pixels, <c>[batch, channels, height, width]</c>, of which the first 32 are taken.</param>
    /// <param name="loss">The loss of these images.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    /// <returns>
    /// The cosine by layer, for the linear and convolutional layers that learn; 1 where both gradients are zero.
    /// </returns>
    public static IReadOnlyDictionary<string, double> Run(
        Graph model, IReadOnlyDictionary<string, FloatTensor> weights, GradientExecutor lowBit, FrozenLayers? frozen,
        FloatTensor images, OutputLoss loss, ulong seed)
    {
        // One image at a time on one thread, so that the comparison takes less memory than low-bit training.
        using var exact = new GradientExecutor(
            model, weights, threads: 1, BackwardPolicy.Exact, frozen, imagesPerMicroBatch: 1);
        images = First(images);
        exact.Run(images, loss);
        lowBit.Run(images, loss, seed);
        return model.Nodes
            .Where(node => node.Operator.Product is not null && exact.Gradients.ContainsKey(node.ParameterNames[0]))
            .ToDictionary(
                node => node.Name,
                node =>
                    Cosine(
                        exact.Gradients[node.ParameterNames[0]].Span, lowBit.Gradients[node.ParameterNames[0]].Span));
    }

    private static FloatTensor First(FloatTensor batch)
    {
        int count = Math.Min(MaxImages, batch.Shape[0]);
        return FloatTensor.From(
            batch.Shape.DropFirst().Prepend(count), batch.Span[..(batch.Length / batch.Shape[0] * count)]);
    }

    private static double Cosine(ReadOnlySpan<float> exact, ReadOnlySpan<float> approximate)
    {
        double lengths = (double)TensorPrimitives.Norm(exact) * TensorPrimitives.Norm(approximate);
        if (lengths > 0)
            return Math.Clamp(TensorPrimitives.Dot(exact, approximate) / lengths, -1, 1);
        return exact.SequenceEqual(approximate) ? 1 : 0;
    }
}
