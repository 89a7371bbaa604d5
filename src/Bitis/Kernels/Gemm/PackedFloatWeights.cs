using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Kernels.Gemm;

/// <summary>The weights and bias of a linear layer, laid out for one kernel.</summary>
/// <remarks>
/// Panels are <c>[N/columns][K][columns]</c>, so that each index of K reads one contiguous row of the tile. The last
/// panel and the bias are padded with zeros.
/// </remarks>
internal sealed unsafe class PackedFloatWeights : IPackedWeights
{
    private readonly NativeBuffer<float> _panels;
    private readonly NativeBuffer<float> _bias;

    /// <summary>Reserves memory for a layer; <see cref="Pack"/> or <see cref="PackTransposed"/> fills it.</summary>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="kernel">The form to pack for; the best one if null.</param>
    public PackedFloatWeights(int outputs, int inputs, FloatGemmKernel? kernel = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputs);
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        Kernel = kernel ?? FloatGemm.Table.Best;
        Outputs = outputs;
        Inputs = inputs;

        int columns = Kernel.Columns;
        int padded = BlockSize.Require(((long)outputs + columns - 1) / columns * columns, sizeof(float));
        _panels = new NativeBuffer<float>((long)padded * inputs, zeroed: true);
        _bias = new NativeBuffer<float>(padded, zeroed: true);
    }

    /// <summary>Packs <paramref name="weights"/> <c>[N, K]</c>.</summary>
    /// <param name="weights">Row-major <c>[outputs, inputs]</c>.</param>
    /// <param name="bias"><c>[outputs]</c>, or empty for none.</param>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="kernel">The form to pack for; the best one if null.</param>
    /// <exception cref="ArgumentException">A length does not match.</exception>
    public PackedFloatWeights(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, int inputs, FloatGemmKernel? kernel = null)
        : this(outputs, inputs, kernel) => Pack(weights, bias);

    /// <summary>The kernel whose layout this is.</summary>
    public FloatGemmKernel Kernel { get; }

    /// <summary>N, the length of an output row.</summary>
    public int Outputs { get; }

    /// <inheritdoc />
    public long Bytes => sizeof(float) * ((long)_panels.Length + _bias.Length);

    /// <summary>How many panels there are; the last one may be narrower.</summary>
    public int PanelCount => (Outputs + Kernel.Columns - 1) / Kernel.Columns;

    /// <summary>K, the length of an input row.</summary>
    public int Inputs { get; }

    /// <summary>The panels of weights.</summary>
    public float* Panels => _panels.Pointer;

    /// <summary>The bias, zero where there is none; as long as the panels are wide.</summary>
    public float* Bias => _bias.Pointer;

    /// <summary>Replaces the contents.</summary>
    /// <param name="weights">Row-major <c>[outputs, inputs]</c>.</param>
    /// <param name="bias"><c>[outputs]</c>, or empty for none.</param>
    /// <exception cref="ArgumentException">A length does not match.</exception>
    public void Pack(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        CheckLength(weights.Length);
        if (!bias.IsEmpty && bias.Length != Outputs)
            throw new ArgumentException($"{bias.Length} bias values for {Outputs} outputs.", nameof(bias));
        bias.CopyTo(_bias.Span);
        int columns = Kernel.Columns;
        for (int n = 0; n < Outputs; n++)
        {
            float* column = Panels + ((nint)(n / columns) * columns * Inputs) + (n % columns);
            ReadOnlySpan<float> row = weights.Slice(n * Inputs, Inputs);
            for (int k = 0; k < row.Length; k++)
                column[(nint)k * columns] = row[k];
        }
    }

    /// <summary>
    /// Replaces the contents by the transpose of a matrix, as the gradient of a layer's input needs it.
    /// </summary>
    /// <param name="weights">Row-major <c>[inputs, outputs]</c>: its rows run along K.</param>
    /// <exception cref="ArgumentException">The length does not match.</exception>
    public void PackTransposed(ReadOnlySpan<float> weights)
    {
        CheckLength(weights.Length);
        int columns = Kernel.Columns;
        for (int n = 0; n < Outputs; n += columns)
        {
            Span<float> panel = _panels.Span.Slice(n * Inputs, columns * Inputs);
            int width = Math.Min(columns, Outputs - n);
            for (int k = 0; k < Inputs; k++)
                weights.Slice((k * Outputs) + n, width).CopyTo(panel[(k * columns)..]);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _panels.Dispose();
        _bias.Dispose();
    }

    private void CheckLength(int length)
    {
        if (length != (long)Outputs * Inputs)
            throw new ArgumentException($"{length} weights for {Outputs}x{Inputs}.", nameof(length));
    }
}
