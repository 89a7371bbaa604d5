using Bitis.Quantization;
using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>
/// A linear layer in integers: each row is quantized to unsigned levels, multiplied with signed levels into int32 sums,
/// and scaled back to float32.
/// </summary>
internal sealed class IntegerLinearStep : Step
{
    private readonly ArenaMatrix _x;
    private readonly ArenaMatrix _y;
    private readonly ArenaBlock _levels;
    private readonly int _levelStride;
    private readonly PackedInt8Weights _weights;
    private readonly int _gridStride;
    private readonly int _maxLevel;
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<float> _inverseScales;
    private readonly NativeBuffer<int> _zeroPoints;

    /// <summary>Prepares the layer.</summary>
    /// <param name="name">The node.</param>
    /// <param name="x">The input, <c>[tokens, in]</c>.</param>
    /// <param name="y">The output, <c>[tokens, out]</c>.</param>
    /// <param name="levels">Room for the input's levels: <see cref="LevelStride"/> bytes a row.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="quantizer">The input's quantizer.</param>
    public IntegerLinearStep(
        string name, ArenaMatrix x, ArenaMatrix y, ArenaBlock levels, PackedInt8Weights weights, UniformQuantizer quantizer)
        : base(name)
    {
        _x = x;
        _y = y;
        _levels = levels;
        _levelStride = LevelStride(x.Columns);
        _weights = weights;
        _gridStride = quantizer.Granularity == Granularity.PerToken ? 1 : 0;
        _maxLevel = quantizer.MaxLevel;
        _scales = InMemoryOrder(quantizer.Scales);
        _inverseScales = InMemoryOrder(quantizer.InverseScales);
        _zeroPoints = InMemoryOrder(quantizer.ZeroPoints);
    }

    public override string Kind => "linear int8";

    public override int Units => _x.Rows;

    /// <summary>The distance of rows of levels: a whole number of the four-byte groups that the kernels read.</summary>
    public static int LevelStride(int columns) => (columns + 3) / 4 * 4;

    public override unsafe void Run(nint arena, int start, int end)
    {
        byte* levels = (byte*)(arena + (nint)_levels.Offset);
        var call = new QuantizeCall
        {
            Source = _x.Pointer(arena),
            SourceStride = _x.Stride,
            Target = levels,
            TargetStride = _levelStride,
            Columns = _x.Columns,
            InverseScales = _inverseScales.Pointer,
            ZeroPoints = _zeroPoints.Pointer,
            GridStride = _gridStride,
            MaxValue = _maxLevel,
        };
        Quantize.Run(in call, start, end);
        var grids = new TokenGrids(_scales.Pointer, _zeroPoints.Pointer, _gridStride);
        Int8Gemm.Run(_weights, levels, _levelStride, in grids, _y.Pointer(arena), _y.Stride, start, end, accumulate: false);
    }

    public override void Dispose()
    {
        _weights.Dispose();
        _scales.Dispose();
        _inverseScales.Dispose();
        _zeroPoints.Dispose();
    }

    /// <summary>A quantizer counts tokens in the order of the operator's input; memory may hold them reversed.</summary>
    private NativeBuffer<T> InMemoryOrder<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var buffer = new NativeBuffer<T>(values.Length);
        values.CopyTo(buffer.Span);
        if (_x.IsReversed)
            buffer.Span.Reverse();
        return buffer;
    }
}
