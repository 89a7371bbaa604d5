using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.LowBit;

/// <summary>The gradient of a layer's input, x̄ = ȳ·W.</summary>
/// <remarks>
/// With integers, blocks of n output channels are transformed in both operands, <c>x̄ = (1/n)·(ȳ·H)·(H·W)</c>. Then
/// they are rounded to levels. ȳ is rounded at random, with one scale for all tokens of a micro-batch or for each
/// token. W is rounded to the nearest, with a scale for each input channel. The form that is reduced along the tokens,
/// in float32, is that of LBP-WHT: <c>x̄ = Ĥᵀ·((Ĥ·ȳ)·W)</c>.
/// </remarks>
internal sealed unsafe class InputGradientProduct : IDisposable
{
    [ThreadStatic]
    private static NativeBuffer<float>? _transformed;

    private readonly GradientArithmetic _arithmetic;
    private readonly GradientScale _scale;
    private readonly TokenBlocks _blocks;
    private readonly int _outputs, _inputs, _images, _rows, _parts, _partInputs, _paddedPart;
    private readonly PackedFloatWeights? _float;
    private readonly Int8GemmKernel _kernel;
    private readonly NativeBuffer<sbyte>? _levels;
    private readonly NativeBuffer<float>? _scales, _inverseScales, _bias;
    private readonly NativeBuffer<int>? _columnSums, _weightRows;
    private readonly NativeBuffer<byte>? _allCoefficients;

    /// <summary>Reserves memory for a layer's weights.</summary>
    /// <param name="arithmetic">How to compute.</param>
    /// <param name="scale">Which values share a scale.</param>
    /// <param name="blocks">The tokens' blocks, where they are reduced.</param>
    /// <param name="outputs">The channels of ȳ.</param>
    /// <param name="inputs">The channels of x̄.</param>
    /// <param name="rows">The tokens of an image.</param>
    /// <param name="images">The most images that a micro-batch holds.</param>
    /// <param name="parts">
    /// How many equal parts the channels of x̄ fall into, which integer products compute one at a time.
    /// </param>
    public InputGradientProduct(
        GradientArithmetic arithmetic, GradientScale scale, TokenBlocks blocks, int outputs, int inputs, int rows,
        int images, int parts = 1)
    {
        _kernel = Int8Gemm.BestFor(arithmetic.Bits);
        (
            _arithmetic, _scale, _blocks, _outputs, _inputs, _rows,
            _images) = (arithmetic, scale, blocks, outputs, inputs, rows, images);
        if (!arithmetic.IsInteger)
        {
            _float = new PackedFloatWeights(inputs, outputs);
            return;
        }
        (_parts, _partInputs) = (parts, inputs / parts);
        _paddedPart = (_partInputs + _kernel.ColumnMultiple - 1) / _kernel.ColumnMultiple * _kernel.ColumnMultiple;
        _levels = new NativeBuffer<sbyte>((long)PaddedOutputs * _parts * _paddedPart);
        _scales = new NativeBuffer<float>(_parts * _paddedPart, zeroed: true);
        _inverseScales = new NativeBuffer<float>(_parts * _paddedPart, zeroed: true);
        _bias = new NativeBuffer<float>(_parts * _paddedPart, zeroed: true);
        _columnSums = new NativeBuffer<int>(_parts * _paddedPart, zeroed: true);
        _weightRows = NativeBuffer<int>.Of(
            [.. Enumerable.Range(0, PaddedOutputs).Select(row => row < outputs ? row : -1)]);
        _allCoefficients = NativeBuffer<byte>.Of(
            [.. Enumerable.Range(0, TokenHadamard.BlockRows).Select(i => (byte)i)]);
    }

    /// <summary>The elements of scratch memory that <see cref="Run"/> needs.</summary>
    public int ScratchLength
    {
        get
        {
            long rows = (long)_rows * _images, kept = _blocks.Rows(_images);
            if (_arithmetic.IsInteger)
            {
                return ScratchSpace.Length(
                    rows * PaddedOutputs, rows * sizeof(float), rows * sizeof(int),
                    (_scale == GradientScale.Token ? 1 : rows) * PaddedOutputs * sizeof(float));
            }

            return _arithmetic.LowRank
                ? ScratchSpace.Length(
                    kept * _outputs * sizeof(float), kept * _inputs * sizeof(float), _outputs * sizeof(float))
                : 0;
        }
    }

    /// <summary>The bytes of a quantized row.</summary>
    public int LevelStride => PaddedOutputs;

    private int PaddedOutputs => HadamardRows.Padded(_outputs);

    /// <summary>Brings changed weights, <c>[outputs, inputs]</c>, into the form of the product.</summary>
    public void Prepare(ReadOnlySpan<float> weights)
    {
        if (_float is not null)
        {
            _float.PackTransposed(weights);
            return;
        }
        int length = (PaddedOutputs * _inputs) + _inputs;
        if (_transformed is null || _transformed.Length < length)
        {
            _transformed?.Dispose();
            _transformed = new NativeBuffer<float>(length);
        }
        float* transformed = _transformed.Pointer, maxima = transformed + ((nint)PaddedOutputs * _inputs);
        fixed (float* source = weights)
        {
            var transform = new TokenHadamardCall
            {
                Source = source,
                SourceStride = _inputs,
                Columns = _inputs,
                BlockRows = _weightRows!.Pointer,
                Blocks = PaddedOutputs / TokenHadamard.BlockRows,
                Transforms = _arithmetic.Hadamard,
                Kept = _allCoefficients!.Pointer,
                Rank = TokenHadamard.BlockRows,
                Factor = 1,
                Target = transformed,
                TargetStride = _inputs,
                Maxima = maxima,
            };
            TokenHadamard.Run(in transform);
        }
        for (int part = 0; part < _parts; part++)
            PackPart(part, transformed, maxima);
    }

    /// <summary>Computes x̄ for the images of a micro-batch.</summary>
    /// <param name="y">ȳ, <c>[images·rows, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="images">The images.</param>
    /// <param name="x">x̄, <c>[images·rows, inputs]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="accumulate">Add to what is there.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    /// <param name="key">The key of the random numbers.</param>
    public void Run(float* y, nint ldy, int images, float* x, nint ldx, bool accumulate, float* scratch, uint key)
    {
        if (_arithmetic.IsInteger)
            Multiply(part: 0, Quantize(y, ldy, images * _rows, new ScratchSpace(scratch), key), x, ldx, accumulate);
        else if (_arithmetic.LowRank)
            RunLowRank(y, ldy, images, x, ldx, accumulate, new ScratchSpace(scratch));
        else
            FloatGemm.Run(_float!, y, ldy, x, ldx, 0, images * _rows, accumulate);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (
            IDisposable? resource in (IDisposable?[])
            [
                _float, _levels, _scales, _inverseScales, _bias, _columnSums, _weightRows, _allCoefficients,
            ])
        {
            resource?.Dispose();
        }
    }

    /// <summary>Transforms rows of ȳ and rounds them to levels, for products of integers.</summary>
    /// <param name="y">ȳ, <c>[rows, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="scratch">Receives the levels: <see cref="ScratchLength"/> elements.</param>
    /// <param name="key">The key of the random numbers.</param>
    public QuantizedRows Quantize(float* y, nint ldy, int rows, ScratchSpace scratch, uint key)
    {
        bool perToken = _scale == GradientScale.Token;
        var call = new HadamardRowsCall
        {
            Source = y,
            SourceStride = ldy,
            Columns = _outputs,
            Transforms = _arithmetic.Hadamard,
            Target = scratch.Take<byte>((long)rows * PaddedOutputs),
            TargetStride = PaddedOutputs,
            MaxLevel = _arithmetic.MaxGradientLevel,
            Rounding = _arithmetic.Rounding,
            Key = key,
            TransformedStride = perToken ? 0 : PaddedOutputs,
        };
        float* scales = scratch.Take<float>(rows);
        int* zeros = scratch.Take<int>(rows);
        call.Transformed = scratch.Take<float>((long)PaddedOutputs * (perToken ? 1 : rows));
        new Span<int>(zeros, rows).Fill(HadamardRows.ZeroPoint);
        if (perToken)
        {
            HadamardRows.Run(in call, rows, scales);
        }
        else
        {
            HadamardRows.Transform(in call, rows, scales);
            var largest = new Span<float>(scales, rows);
            if (!NeedsTokenScales(largest))
                largest.Fill(TensorPrimitives.Max<float>(largest));
            HadamardRows.Quantize(in call, rows, scales);
        }
        for (int row = 0; row < rows; row++)
            scales[row] = Levels.Scale(scales[row], call.MaxLevel);
        OperationTimes.EndPhase("x̄ transform, round");
        return new QuantizedRows(call.Target, scales, zeros, rows);
    }

    /// <summary>Multiplies quantized rows with the weights of a part of x̄'s channels.</summary>
    /// <param name="part">The part.</param>
    /// <param name="rows">The rows of ȳ.</param>
    /// <param name="x">The part's columns of x̄, <c>[rows, inputs/parts]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="accumulate">Add to what is there.</param>
    public void Multiply(int part, QuantizedRows rows, float* x, nint ldx, bool accumulate)
    {
        int first = part * _paddedPart;
        var panels = new IntegerPanels
        {
            Kernel = _kernel,
            Outputs = _partInputs,
            PaddedOutputs = _paddedPart,
            Groups = PaddedOutputs / 4,
            Weights = _levels!.Pointer + ((nint)first * PaddedOutputs),
            ColumnSums = _columnSums!.Pointer + first,
            Scales = _scales!.Pointer + first,
            Bias = _bias!.Pointer + first,
        };
        var parameters = new TokenParameters(rows.Scales, rows.Zeros, stride: 1);
        Int8Gemm.Run(
            in panels, rows.Levels, LevelStride, groupStride: 4, in parameters, x, ldx, 0, rows.Count, accumulate);
        OperationTimes.EndPhase("x̄ product");
    }

    private void PackPart(int part, float* transformed, float* maxima)
    {
        int maxLevel = Levels.MaxLevel(_arithmetic.Bits), first = part * _partInputs, padded = part * _paddedPart;
        for (int i = 0; i < _partInputs; i++)
        {
            _inverseScales!.Span[padded + i] = Levels.InverseScale(maxima[first + i], maxLevel);
            _scales!.Span[padded + i] = Levels.Scale(maxima[first + i], maxLevel) / (
                _arithmetic.Hadamard ? HadamardRows.BlockColumns : 1);
        }
        var pack = new PackLevelsCall
        {
            Source = transformed + first,
            SourceStride = _inputs,
            Rows = PaddedOutputs,
            Columns = _partInputs,
            Groups = PaddedOutputs / 4,
            Target = (byte*)_levels!.Pointer + ((nint)padded * PaddedOutputs),
            PanelColumns = _kernel.Columns,
            PaddedColumns = _paddedPart,
            InverseScales = _inverseScales!.Pointer + padded,
            MaxLevel = maxLevel,
            Rounding = LevelRounding.Nearest,
            ColumnSums = _columnSums!.Pointer + padded,
        };
        PackLevels.Run(in pack);
    }

    /// <summary>Whether <see cref="GradientScale.Auto"/> gives each token a scale of its own.</summary>
    /// <param name="largest">The largest magnitude of each token.</param>
    private bool NeedsTokenScales(ReadOnlySpan<float> largest)
    {
        // HLQ's rule, e_tensor − e_token > e_tensor/2, for errors of rounding, whose mean square is in proportion to
        // that of the scales.
        float max = TensorPrimitives.Max(largest);
        return _scale == GradientScale.Auto
            && TensorPrimitives.SumOfSquares(largest) < 0.25f * largest.Length * max * max;
    }

    private void RunLowRank(float* y, nint ldy, int images, float* x, nint ldx, bool accumulate, ScratchSpace scratch)
    {
        int kept = _blocks.Rows(images);
        var call = new TokenHadamardCall
        {
            Source = y,
            SourceStride = ldy,
            Columns = _outputs,
            Target = scratch.Take<float>((long)kept * _outputs),
            TargetStride = _outputs,
            Maxima = scratch.Take<float>(_outputs),
        };
        _blocks.Describe(ref call, images);
        TokenHadamard.Run(in call);
        float* reduced = scratch.Take<float>((long)kept * _inputs);
        FloatGemm.Run(_float!, call.Target, _outputs, reduced, _inputs, 0, kept, accumulate: false);
        for (int row = 0; !accumulate && row < images * _rows; row++)
            new Span<float>(x + (row * ldx), _inputs).Clear();
        for (int i = 0; i < call.Blocks * TokenHadamard.BlockRows; i++)
        {
            var target = new Span<float>(x + (call.BlockRows[i] * ldx), _inputs);
            float* first = reduced + ((nint)(i / TokenHadamard.BlockRows) * _blocks.Rank * _inputs);
            for (int k = 0; k < _blocks.Rank; k++)
            {
                bool isNegative = int.PopCount(call.Kept[k] & (i % TokenHadamard.BlockRows)) % 2 != 0;
                TensorPrimitives.MultiplyAdd(
                    new ReadOnlySpan<float>(first + ((nint)k * _inputs), _inputs),
                        isNegative ? -call.Factor : call.Factor, target, target);
            }
        }
        for (int i = 0; i < call.Singles; i++)
        {
            var target = new Span<float>(x + (call.SingleRows[i] * ldx), _inputs);
            float* source = reduced + (((nint)(call.Blocks * _blocks.Rank) + i) * _inputs);
            TensorPrimitives.Add(target, new ReadOnlySpan<float>(source, _inputs), target);
        }
    }
}
