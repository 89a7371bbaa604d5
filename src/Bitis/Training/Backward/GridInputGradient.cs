using Bitis.Operators;
using Bitis.Runtime.Kernels;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training;

/// <summary>
/// The gradient of a convolution's input over a grid of tokens, from integer products: the rows of ȳ are quantized once, and for each tap of
/// the kernel their product with the tap's weights is added to the tokens that the tap saw. The sums lie on a grid with a margin as wide
/// as the padding, so that no tap needs a special case:
/// <code>
///   ȳ with rows of zeros,        sums, H + 2P rows of W + 2P tokens
///   as wide as the sums          place q adds to token q + m·(W + 2P) + n for the tap (m, n)
/// </code>
/// The zeros make all places one run of rows, which a product takes at once. With a stride, neighbouring places see tokens that are
/// further apart, and each row of places is a run of its own.
/// </summary>
internal sealed unsafe class GridInputGradient : IDisposable
{
    private readonly GridConv2d _layer;
    private readonly InputGradientProduct _product;
    private readonly int _paddedHeight, _paddedWidth, _rows;
    private readonly NativeBuffer<int> _zeros;

    /// <summary>Prepares a layer.</summary>
    /// <param name="layer">The convolution.</param>
    /// <param name="product">The product of its rows, with a part for each tap; integers.</param>
    public GridInputGradient(GridConv2d layer, InputGradientProduct product)
    {
        (_layer, _product) = (layer, product);
        (_paddedHeight, _paddedWidth) = (layer.Height + (2 * layer.Padding), layer.Width + (2 * layer.Padding));
        _rows = ((layer.OutHeight - 1) * _paddedWidth) + layer.OutWidth;
        _zeros = new NativeBuffer<int>(_rows);
        _zeros.Span.Fill(HadamardRows.ZeroPoint);
    }

    /// <summary>The elements of scratch memory that <see cref="Run"/> needs.</summary>
    public int ScratchLength => ScratchSpace.Length((long)_rows * _product.LevelStride, _rows * sizeof(float), SumsLength * sizeof(float)) + _product.ScratchLength;

    private long SumsLength => (long)_paddedHeight * _paddedWidth * _layer.InChannels;

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
        QuantizedRows places = _product.Quantize(y, ldy, _layer.OutHeight * _layer.OutWidth, space, key);
        if (_layer.Stride == 1)
            places = Spread(places, levels, scales);
        new Span<float>(sums, (int)SumsLength).Clear();
        int channels = _layer.InChannels;
        for (int tap = 0; tap < _layer.Kernel * _layer.Kernel; tap++)
        {
            float* first = sums + ((((nint)(tap / _layer.Kernel) * _paddedWidth) + (tap % _layer.Kernel)) * channels);
            if (_layer.Stride == 1)
                _product.Multiply(tap, places, first, channels, accumulate: true);
            else
                AddRows(tap, places, first);
        }
        Write(sums, x, ldx, accumulate);
    }

    /// <inheritdoc />
    public void Dispose() => _zeros.Dispose();

    /// <summary>Brings quantized places to the width of the sums' rows, zeros between them.</summary>
    private QuantizedRows Spread(QuantizedRows places, byte* levels, float* scales)
    {
        int stride = _product.LevelStride, width = _layer.OutWidth;
        for (int row = 0; row < _layer.OutHeight; row++)
        {
            nint from = (nint)row * width, to = (nint)row * _paddedWidth;
            new ReadOnlySpan<byte>(places.Levels + (from * stride), width * stride).CopyTo(new Span<byte>(levels + (to * stride), width * stride));
            new ReadOnlySpan<float>(places.Scales + from, width).CopyTo(new Span<float>(scales + to, width));
            int gap = row + 1 < _layer.OutHeight ? _paddedWidth - width : 0;
            new Span<byte>(levels + ((to + width) * stride), gap * stride).Fill(HadamardRows.ZeroPoint);
            new Span<float>(scales + to + width, gap).Clear();
        }
        return new QuantizedRows(levels, scales, _zeros.Pointer, _rows);
    }

    /// <summary>A tap's product where the kernel has a stride: row of places by row.</summary>
    private void AddRows(int tap, QuantizedRows places, float* first)
    {
        nint distance = (nint)_layer.Stride * _layer.InChannels;
        for (int row = 0; row < _layer.OutHeight; row++)
            _product.Multiply(tap, places.Slice(row * _layer.OutWidth, _layer.OutWidth, _product.LevelStride), first + (row * distance * _paddedWidth), distance, accumulate: true);
    }

    private void Write(float* sums, float* x, nint ldx, bool accumulate)
    {
        int channels = _layer.InChannels;
        (int pieces, int length) = ldx == channels ? (1, _layer.Width * channels) : (_layer.Width, channels);
        for (int row = 0; row < _layer.Height; row++)
        {
            float* source = sums + ((((nint)(row + _layer.Padding) * _paddedWidth) + _layer.Padding) * channels);
            float* target = x + ((nint)row * _layer.Width * ldx);
            for (int i = 0; i < pieces; i++)
            {
                ReadOnlySpan<float> from = new(source + ((nint)i * channels), length);
                var to = new Span<float>(target + (i * ldx), length);
                if (accumulate)
                    TensorPrimitives.Add(to, from, to);
                else
                    from.CopyTo(to);
            }
        }
    }
}
