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

    /// <summary>The gradient; zero if no operation asked for a slot.</summary>
    public FloatTensor Gradient { get; private set; } = null!;

    /// <summary>The slot of a form.</summary>
    /// <param name="form">The key of the form; null for the checkpoint's form.</param>
    /// <param name="unpack">Brings the gradient into the checkpoint's form; null if that is the form.</param>
    /// <param name="end">The end of all sums, at a cache line; moved if the slot is new.</param>
    public ParameterSlot Slot(string? form, ParameterSlot.Unpacking? unpack, ref int end)
    {
        int known = _slots.FindIndex(entry => entry.Form == form);
        if (known < 0)
        {
            const int line = FloatTensor.Alignment / sizeof(float);
            known = _slots.Count;
            _slots.Add((form, new ParameterSlot(weight, end, unpack)));
            end = BlockSize.Require((end + shape.ElementCount + line - 1) / line * line, sizeof(float));
        }
        return _slots[known].Slot;
    }

    /// <summary>Finds the gradient in the total of all sums, once all slots are known.</summary>
    public void Bind(FloatTensor total)
    {
        foreach ((_, ParameterSlot slot) in _slots)
            slot.Bind(total, shape);
        Gradient = _slots.Count > 0 ? _slots[0].Slot.Gradient : new FloatTensor(shape);
    }

    /// <summary>Brings the gradient into the checkpoint's form, when the total of all sums is known.</summary>
    public void Collect()
    {
        for (int i = 0; i < _slots.Count; i++)
        {
            ParameterSlot slot = _slots[i].Slot;
            slot.Collect();
            if (i > 0)
                TensorPrimitives.Add(Gradient.Span, slot.Gradient.Span, Gradient.Span);
        }
    }
}
