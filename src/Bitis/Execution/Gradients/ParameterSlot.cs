using System.Buffers;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients;

/// <summary>A parameter in the form in which some operations sum its gradient.</summary>
/// <remarks>The form is that of the checkpoint or a packed one.</remarks>
/// <param name="weight">The values; the trainer changes them between runs.</param>
/// <param name="offset">The first element of the gradient in a micro-batch's sums.</param>
/// <param name="unpack">
/// Brings the gradient from the packed form into the checkpoint's; null if that is the form.
/// </param>
internal sealed class ParameterSlot(FloatTensor weight, int offset, ParameterSlot.Unpacking? unpack)
{
    /// <summary>Brings a gradient from its packed form into the checkpoint's.</summary>
    public delegate void Unpacking(ReadOnlySpan<float> packed, Span<float> gradient);

    /// <summary>The values; the trainer changes them between runs.</summary>
    public FloatTensor Weight => weight;

    /// <summary>The sum over all micro-batches, of the weight's shape, among the total of all sums.</summary>
    public FloatTensor Gradient { get; private set; } = null!;

    /// <summary>The first element of the gradient in a micro-batch's sums.</summary>
    public int Offset => offset;

    /// <summary>Finds the gradient in the total of all sums.</summary>
    public void Bind(FloatTensor total, Shape shape) => Gradient = total.Slice(offset, shape);

    /// <summary>Brings the gradient into the checkpoint's form.</summary>
    public void Collect()
    {
        if (unpack is null)
            return;
        float[] copy = ArrayPool<float>.Shared.Rent(Gradient.Length);
        Span<float> packed = copy.AsSpan(0, Gradient.Length);
        Gradient.Span.CopyTo(packed);
        unpack(packed, Gradient.Span);
        ArrayPool<float>.Shared.Return(copy);
    }
}
