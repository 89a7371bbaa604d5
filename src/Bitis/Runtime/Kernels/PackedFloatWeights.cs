namespace Bitis.Runtime.Kernels;

/// <summary>
/// The weights and bias of a linear layer, laid out for one kernel: panels <c>[N/columns][K][columns]</c>, so that each
/// step along K reads one contiguous row of the tile. The last panel and the bias are padded with zeros.
/// </summary>
internal sealed unsafe class PackedFloatWeights : IDisposable
{
    private readonly NativeBuffer<float> _panels;
    private readonly NativeBuffer<float> _bias;

    /// <summary>Packs <paramref name="weights"/> <c>[N, K]</c>.</summary>
    /// <param name="weights">Row-major <c>[outputs, inputs]</c>.</param>
    /// <param name="bias"><c>[outputs]</c>, or empty for none.</param>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="kernel">The form to pack for; the best one if null.</param>
    /// <exception cref="ArgumentException">A length does not match.</exception>
    public PackedFloatWeights(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, int inputs, FloatGemmKernel? kernel = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputs);
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        if (weights.Length != (long)outputs * inputs)
            throw new ArgumentException($"{weights.Length} weights for {outputs}x{inputs}.", nameof(weights));
        if (!bias.IsEmpty && bias.Length != outputs)
            throw new ArgumentException($"{bias.Length} bias values for {outputs} outputs.", nameof(bias));
        Kernel = kernel ?? FloatGemm.Table.Best;
        Outputs = outputs;
        Inputs = inputs;

        int columns = Kernel.Columns;
        int padded = checked((outputs + columns - 1) / columns * columns);
        _panels = new NativeBuffer<float>(checked(padded * inputs), zeroed: true);
        _bias = new NativeBuffer<float>(padded, zeroed: true);
        bias.CopyTo(_bias.Span);
        float* panels = _panels.Pointer;
        for (int n = 0; n < outputs; n++)
        {
            float* column = panels + ((nint)(n / columns) * columns * inputs) + (n % columns);
            ReadOnlySpan<float> row = weights.Slice(n * inputs, inputs);
            for (int k = 0; k < inputs; k++)
                column[(nint)k * columns] = row[k];
        }
    }

    /// <summary>The kernel whose layout this is.</summary>
    public FloatGemmKernel Kernel { get; }

    /// <summary>N, the length of an output row.</summary>
    public int Outputs { get; }

    /// <summary>K, the length of an input row.</summary>
    public int Inputs { get; }

    /// <summary>The panels of weights.</summary>
    public float* Panels => _panels.Pointer;

    /// <summary>The bias, zero where there is none; as long as the panels are wide.</summary>
    public float* Bias => _bias.Pointer;

    /// <inheritdoc />
    public void Dispose()
    {
        _panels.Dispose();
        _bias.Dispose();
    }
}
