using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Kernels.Gemm;

/// <summary>The integer weights, scales and bias of a linear layer, laid out for one kernel.</summary>
/// <remarks>
/// Panels are <c>[N/columns][K/4][columns][4]</c>. A dot-product instruction takes four neighbours along K at once.
/// Both dimensions are padded with zeros. The last panel may be narrower. Weights of at most 4 bits take half a byte.
/// In a panel of L weights, byte i holds number i in its low half and number i + L/2 in its high half. A panel is
/// unpacked to bytes when it is needed, once for all rows that pass over it.
/// </remarks>
internal sealed unsafe class PackedIntegerWeights : IPackedWeights
{
    /// <summary>The longest row whose sums of products, at most 255·128 each, fit int32.</summary>
    public const int MaxInputs = int.MaxValue / (255 * 128);

    private readonly NativeBuffer<sbyte> _panels;
    private readonly NativeBuffer<int> _columnSums;
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<float> _bias;
    private readonly PackedRuns? _runs;

    /// <summary>Packs <paramref name="weights"/> <c>[N, K]</c>.</summary>
    /// <param name="weights">
    /// Row-major <c>[outputs, inputs]</c>; all that the bits can express is allowed: −128 to 127.
    /// </param>
    /// <param name="scales">The weight scale of each output.</param>
    /// <param name="bias"><c>[outputs]</c>, or empty for none.</param>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K, at most <see cref="MaxInputs"/>.</param>
    /// <param name="bits">How many bits the weights need, sign included.</param>
    /// <param name="kernel">The form to pack for; the best one if null.</param>
    /// <exception cref="ArgumentException">
    /// A length does not match, or K is too large for int32 sums, or a weight or the form does not match the bits.
    /// </exception>
    public PackedIntegerWeights(
        ReadOnlySpan<sbyte> weights,
        ReadOnlySpan<float> scales,
        ReadOnlySpan<float> bias,
        int outputs,
        int inputs,
        int bits = 8,
        Int8GemmKernel? kernel = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputs);
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inputs, MaxInputs);
        if (weights.Length != (long)outputs * inputs)
            throw new ArgumentException($"{weights.Length} weights for {outputs}x{inputs}.", nameof(weights));
        if (scales.Length != outputs)
            throw new ArgumentException($"{scales.Length} scales for {outputs} outputs.", nameof(scales));
        if (!bias.IsEmpty && bias.Length != outputs)
            throw new ArgumentException($"{bias.Length} bias values for {outputs} outputs.", nameof(bias));
        Kernel = kernel ?? Int8Gemm.BestFor(bits);
        if (bits > Kernel.WeightBits)
        {
            throw new ArgumentException(
                $"{Kernel} is for weights of {Kernel.WeightBits} bits, not {bits}.", nameof(kernel));
        }
        int largest = (1 << (bits - 1)) - 1;
        if (weights.ContainsAnyExceptInRange((sbyte)(-largest - 1), (sbyte)largest))
            throw new ArgumentException($"A weight has more than {bits} bits.", nameof(weights));
        Outputs = outputs;
        Inputs = inputs;
        Groups = (inputs + 3) / 4;

        int columns = Kernel.Columns, multiple = Kernel.ColumnMultiple;
        int padded = BlockSize.Require(((long)outputs + multiple - 1) / multiple * multiple, sizeof(sbyte));
        HasNibbles = bits <= Int8Gemm.NibbleBits;
        var panels = new NativeBuffer<sbyte>((long)padded * Groups * 4, zeroed: true);
        _columnSums = new NativeBuffer<int>(padded, zeroed: true);
        _scales = new NativeBuffer<float>(padded, zeroed: true);
        _bias = new NativeBuffer<float>(padded, zeroed: true);
        scales.CopyTo(_scales.Span);
        bias.CopyTo(_bias.Span);
        int* columnSums = _columnSums.Pointer;
        for (int n = 0; n < outputs; n++)
        {
            int panel = n / columns * columns, width = Math.Min(columns, padded - panel);
            sbyte* column = panels.Pointer + ((nint)panel * Groups * 4) + ((n - panel) * 4);
            ReadOnlySpan<sbyte> row = weights.Slice(n * inputs, inputs);
            for (int k = 0; k < inputs; k++)
            {
                column[((nint)(k / 4) * width * 4) + (k % 4)] = row[k];
                columnSums[n] += row[k];
            }
        }
        if (Kernel.UsesRuns)
            _runs = new PackedRuns(Kernel, panels.Pointer, padded, Groups);
        _panels = HasNibbles ? PackNibbles(panels) : panels;
    }

    /// <summary>The kernel whose layout this is.</summary>
    public Int8GemmKernel Kernel { get; }

    /// <summary>N, the length of an output row.</summary>
    public int Outputs { get; }

    /// <summary>K, the length of an input row without padding.</summary>
    public int Inputs { get; }

    /// <summary>K / 4, rounded up: the groups of four values of a dot product.</summary>
    public int Groups { get; }

    /// <inheritdoc />
    public long Bytes => _panels.Length + (sizeof(int) * 3L * _columnSums.Length) + (_runs?.Bytes ?? 0);

    /// <summary>Whether two weights share a byte.</summary>
    public bool HasNibbles { get; }

    /// <summary>The layer as kernels take it; valid as long as this is not disposed of.</summary>
    public IntegerPanels Panels => new()
    {
        Kernel = Kernel,
        Outputs = Outputs,
        PaddedOutputs = _columnSums.Length,
        Groups = Groups,
        HasNibbles = HasNibbles,
        Weights = _panels.Pointer,
        Runs = _runs is null ? null : _runs.Panels,
        ColumnSums = _columnSums.Pointer,
        Scales = _scales.Pointer,
        Bias = _bias.Pointer,
    };

    /// <inheritdoc />
    public void Dispose()
    {
        _panels.Dispose();
        _columnSums.Dispose();
        _scales.Dispose();
        _bias.Dispose();
        _runs?.Dispose();
    }

    private NativeBuffer<sbyte> PackNibbles(NativeBuffer<sbyte> panels)
    {
        var packed = new NativeBuffer<sbyte>(panels.Length / 2);
        IntegerPanels.PackNibbles(Kernel, _columnSums.Length, Groups, panels.Pointer, packed.Pointer);
        panels.Dispose();
        return packed;
    }
}
