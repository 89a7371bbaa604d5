using Bitis.Execution.Gradients;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Matrices;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.LowBit;

/// <summary>The gradient of a convolution's input over a grid of tokens, computed from integer products.</summary>
/// <remarks>
/// The rows of ȳ are quantized once. For each tap of the kernel, their product with the tap's weights is added to the
/// tokens that the tap saw. The sums lie on a grid with a margin as wide as the padding. So no tap needs a special
/// case. With a stride S, neighbouring places see tokens that are S apart. There is a grid for each of the S·S phases.
/// On it, the tokens that a tap sees are neighbours, too:
/// <code>
///   ȳ, and zeros up to        sums, S·S phases of ⌈(H + 2P)/S⌉ rows of ⌈(W + 2P)/S⌉ tokens
///   the width of a phase      for the tap (m, n), place q adds to token q + ⌊m/S⌋·⌈(W + 2P)/S⌉ + ⌊n/S⌋
///                             of the phase (m mod S, n mod S)
/// </code>
/// The zeros make all places one run of rows, which a product takes at once.
/// </remarks>
internal sealed unsafe class ConvolutionInputGradient : IDisposable
{
    private readonly GridConv2d _layer;
    private readonly InputGradientProduct _product;
    private readonly int _height, _width, _rows; // of a phase; of the places with the zeros between them
    private readonly NativeBuffer<int> _zeros;

    /// <summary>Prepares a layer.</summary>
    /// <param name="layer">The convolution.</param>
    /// <param name="product">The product of its rows, with a part for each tap; integers.</param>
    public ConvolutionInputGradient(GridConv2d layer, InputGradientProduct product)
    {
        (_layer, _product) = (layer, product);
        (_height, _width) = (
            Strides(layer.Height + (2 * layer.Padding) + layer.Stride - 1),
            Strides(layer.Width + (2 * layer.Padding) + layer.Stride - 1));
        _rows = ((layer.OutHeight - 1) * _width) + layer.OutWidth;
        _zeros = new NativeBuffer<int>(_rows);
        _zeros.Span.Fill(HadamardRows.ZeroPoint);
    }

    /// <summary>The elements of scratch memory that <see cref="Run"/> needs.</summary>
    public int ScratchLength =>
        ScratchSpace.Length(
            (long)_rows * _product.LevelStride, _rows * sizeof(float),
            SumsLength * sizeof(float)) + _product.ScratchLength;

    private long SumsLength => (long)_layer.Stride * _layer.Stride * _height * _width * _layer.InChannels;

    /// <summary>Computes x̄ of an image.</summary>
    /// <param name="y">ȳ, <c>[places, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="x">x̄, <c>[tokens, inputs]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="accumulate">Add to what is there.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    /// <param name="key">The key of the random numbers.</param>
    public void Run(float* y, nint ldy, float* x, nint ldx, bool accumulate, float* scratch, uint key)
    {
        var space = new ScratchSpace(scratch);
        float* sums = space.Take<float>(SumsLength), scales = space.Take<float>(_rows);
        byte* levels = space.Take<byte>((long)_rows * _product.LevelStride);
        QuantizedRows places = Spread(
            _product.Quantize(y, ldy, _layer.OutHeight * _layer.OutWidth, space, key), levels, scales);
        new Span<float>(sums, (int)SumsLength).Clear();
        OperationTimes.EndPhase("x̄ spread, clear");
        for (int tap = 0; tap < _layer.KernelSize * _layer.KernelSize; tap++)
        {
            _product.Multiply(
                tap, places, Token(sums, tap / _layer.KernelSize, tap % _layer.KernelSize), _layer.InChannels,
                accumulate: true);
        }

        Write(sums, x, ldx, accumulate);
        OperationTimes.EndPhase("x̄ write");
    }

    /// <inheritdoc />
    public void Dispose() => _zeros.Dispose();

    /// <summary>How many strides fit into a distance.</summary>
    private int Strides(int distance) => distance / _layer.Stride;

    /// <summary>The row of the sums of a token of the padded grid.</summary>
    private float* Token(float* sums, int row, int column)
    {
        int phase = (row % _layer.Stride * _layer.Stride) + (column % _layer.Stride);
        return sums + (((((nint)phase * _height) + Strides(row)) * _width) + Strides(column)) * _layer.InChannels;
    }

    /// <summary>Brings quantized places to the width of the sums' rows, zeros between them.</summary>
    private QuantizedRows Spread(QuantizedRows places, byte* levels, float* scales)
    {
        int stride = _product.LevelStride, width = _layer.OutWidth;
        for (int row = 0; row < _layer.OutHeight; row++)
        {
            nint from = (nint)row * width, to = (nint)row * _width;
            new ReadOnlySpan<byte>(places.Levels + (from * stride), width * stride).CopyTo(
                new Span<byte>(levels + (to * stride), width * stride));
            new ReadOnlySpan<float>(places.Scales + from, width).CopyTo(new Span<float>(scales + to, width));
            int gap = row + 1 < _layer.OutHeight ? _width - width : 0;
            new Span<byte>(levels + ((to + width) * stride), gap * stride).Fill(HadamardRows.ZeroPoint);
            new Span<float>(scales + to + width, gap).Clear();
        }
        return new QuantizedRows(levels, scales, _zeros.Pointer, _rows);
    }

    private void Write(float* sums, float* x, nint ldx, bool accumulate)
    {
        // that lie together on both sides
        int channels = _layer.InChannels, stride = _layer.Stride,
            tokens = stride == 1 && ldx == channels ? _layer.Width : 1;
        for (int row = 0; row < _layer.Height; row++)
        {
            for (int first = 0; first < Math.Min(stride, _layer.Width); first++)
            {
                float* source = Token(sums, row + _layer.Padding, first + _layer.Padding),
                    target = x + ((((nint)row * _layer.Width) + first) * ldx);
                for (int i = first; i < _layer.Width; i += stride * tokens, source += channels, target += stride * ldx)
                    RowSums.Write(source, target, tokens * channels, accumulate);
            }
        }
    }
}
