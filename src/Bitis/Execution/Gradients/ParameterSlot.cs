
namespace Bitis.Execution.Gradients;

/// <summary>A parameter in the form in which some operations sum its gradient.</summary>
/// <remarks>The form is that of the checkpoint or a packed one.</remarks>
/// <param name="weight">The values; the trainer changes them between runs.</param>
/// <param name="gradient">The sum over all micro-batches, of the weight's shape.</param>
/// <param name="offset">The first element of the gradient in a micro-batch's sums.</param>
/// <param name="unpack">
/// Brings the gradient from the packed form into the checkpoint's, in place; null if that is the form.
/// </param>
internal sealed class ParameterSlot(FloatTensor weight, FloatTensor gradient, int offset, Action<FloatTensor>? unpack)
{
    /// <summary>The values; the trainer changes them between runs.</summary>
    public FloatTensor Weight => weight;

    /// <summary>The sum over all micro-batches, of the weight's shape.</summary>
    public FloatTensor Gradient => gradient;

    /// <summary>The first element of the gradient in a micro-batch's sums.</summary>
    public int Offset => offset;

    /// <summary>Takes the gradient from the sums of all micro-batches.</summary>
    public void Collect(ReadOnlySpan<float> sums)
    {
        sums.Slice(offset, gradient.Length).CopyTo(gradient.Span);
        unpack?.Invoke(gradient);
    }
}
