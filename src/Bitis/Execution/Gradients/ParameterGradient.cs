using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients;

/// <summary>
/// The gradient of a parameter, which several operations may share: those that use one form of it have one slot.
/// </summary>
/// <param name="weight">The values.</param>
/// <param name="shape">The parameter's shape.</param>
internal sealed class ParameterGradient(FloatTensor weight, Shape shape)
{
    private readonly List<(string? Form, ParameterSlot Slot)> _slots = [];

    /// <summary>The gradient; zero while no operation asks for a slot.</summary>
    public FloatTensor Gradient { get; } = new(shape);

    /// <summary>The slot of a form.</summary>
    /// <param name="form">The key of the form; null for the checkpoint's form.</param>
    /// <param name="unpack">Brings the gradient into the checkpoint's form, in place; null if that is the form.</param>
    /// <param name="end">The end of all sums; moved if the slot is new.</param>
    public ParameterSlot Slot(string? form, Action<FloatTensor>? unpack, ref int end)
    {
        int known = _slots.FindIndex(entry => entry.Form == form);
        if (known < 0)
        {
            known = _slots.Count;
            _slots.Add((form, new ParameterSlot(weight, known == 0 ? Gradient : new FloatTensor(shape), end, unpack)));
            end = BlockSize.Require((long)end + Gradient.Length, sizeof(float));
        }
        return _slots[known].Slot;
    }

    /// <summary>Takes the gradient from the sums of all micro-batches.</summary>
    public void Collect(ReadOnlySpan<float> sums)
    {
        for (int i = 0; i < _slots.Count; i++)
        {
            ParameterSlot slot = _slots[i].Slot;
            slot.Collect(sums);
            if (i > 0)
                TensorPrimitives.Add(Gradient.Span, slot.Gradient.Span, Gradient.Span);
        }
    }
}
