using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training;

/// <summary>Limits the length of the gradient of all parameters together (Pascanu et al., 2013).</summary>
public static class GradientClipping
{
    /// <summary>The Euclidean norm over all gradients; NaN or infinite if one of them is.</summary>
    public static double Norm(IEnumerable<Tensor> gradients)
    {
        double squares = 0;
        foreach (Tensor gradient in gradients)
        {
            foreach (float value in gradient.Span)
                squares += (double)value * value;
        }
        return Math.Sqrt(squares);
    }

    /// <summary>Scales all gradients, in place, so that their norm is at most <paramref name="maximum"/>.</summary>
    /// <param name="gradients">The gradients.</param>
    /// <param name="maximum">The limit; 0 for none.</param>
    /// <returns>The norm before.</returns>
    public static double Clip(IEnumerable<Tensor> gradients, double maximum)
    {
        Tensor[] all = [.. gradients];
        double norm = Norm(all);
        if (maximum > 0 && norm > maximum)
        {
            foreach (Tensor gradient in all)
                TensorPrimitives.Multiply(gradient.Span, (float)(maximum / norm), gradient.Span);
        }
        return norm;
    }
}
