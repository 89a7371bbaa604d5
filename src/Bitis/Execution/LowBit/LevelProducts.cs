using Bitis.Execution.Gradients;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Rounding.Planes;

namespace Bitis.Execution.LowBit;

/// <summary>The products of the backward pass of a layer whose weights and inputs are levels.</summary>
/// <remarks>
/// With ŵ = s_i·q_ij and x̂ = s_t·(p_tj − z_t):
/// <code>
/// x̄_tj = Σ_i (ȳ_ti·s_i)·q_ij             W̄_ij = Σ_t (ȳ_ti·s_t)·p_tj − Σ_t (ȳ_ti·s_t)·z_t
/// </code>
/// The scales along a sum become part of ȳ. That is rounded to levels of two planes, with one scale for each token in
/// the first product and for each channel in the second. So the products are sums of integers, and the only error is
/// that of ȳ: at most 1/65,024 of the largest magnitude of a token or channel.
/// </remarks>
internal sealed unsafe class LevelProducts : IDisposable
{
    // So many tokens are summed in int32 at once, and have memory.
    private const int MostTokens = 8192;

    // Two weights to a byte would be unpacked in each product.
    private const int FewestWeightBits = Int8Gemm.NibbleBits + 1;

    private readonly int _outputs, _inputs, _weightBits, _paddedOutputs, _rowStride, _interleavedColumns;
    private readonly Int8GemmKernel _kernel = Int8Gemm.Table.Best;
    private readonly NativeBuffer<float> _weightScales, _noBias, _planeScales;
    private readonly NativeBuffer<int> _noZero;
    private readonly float[] _ones;
    private PackedIntegerWeights? _weights;

    /// <summary>Reserves memory for a layer.</summary>
    /// <param name="outputs">The channels of ȳ.</param>
    /// <param name="inputs">The channels of x̄.</param>
    /// <param name="weightBits">The bits of the weights.</param>
    public LevelProducts(int outputs, int inputs, int weightBits)
    {
        (_outputs, _inputs, _weightBits) = (outputs, inputs, Math.Max(weightBits, FewestWeightBits));
        _paddedOutputs = (outputs + _kernel.ColumnMultiple - 1) / _kernel.ColumnMultiple * _kernel.ColumnMultiple;
        _rowStride = (outputs + 15) / 16 * 16;
        // A multiple of 1 KiB between neighbouring groups would map them to few sets of the nearest cache.
        _interleavedColumns = (inputs + 1) % 256 == 0 ? inputs + 17 : inputs + 1;
        _weightScales = new NativeBuffer<float>(outputs);
        _noBias = new NativeBuffer<float>(_paddedOutputs, zeroed: true);
        _planeScales = NativeBuffer<float>.Of([TwoPlanes.Base, 1, -TwoPlanes.Base, -1]);
        _noZero = new NativeBuffer<int>(1, zeroed: true);
        _ones = [.. Enumerable.Repeat(1f, inputs)];
    }

    /// <summary>The elements of scratch memory that both products need for some tokens.</summary>
    public int ScratchLength(int tokens)
    {
        long rows = Math.Min(tokens, MostTokens), groups = (rows + 3) / 4, panels = groups * 4 * _paddedOutputs;
        return Math.Max(
            ScratchSpace.Length(
                rows * _rowStride, rows * _rowStride, rows * sizeof(float), rows * sizeof(float), rows * sizeof(int)),
            ScratchSpace.Length(
                panels, panels, _paddedOutputs * sizeof(int), _paddedOutputs * sizeof(int),
                _paddedOutputs * sizeof(float), _paddedOutputs * sizeof(float), groups * 4 * _interleavedColumns));
    }

    /// <summary>Takes changed weights.</summary>
    /// <param name="levels">q, <c>[outputs, inputs]</c>.</param>
    /// <param name="scales">s_i.</param>
    public void Prepare(ReadOnlySpan<sbyte> levels, ReadOnlySpan<float> scales)
    {
        scales.CopyTo(_weightScales.Span);
        var transposed = new sbyte[levels.Length];
        for (int i = 0; i < _outputs; i++)
        {
            for (int j = 0; j < _inputs; j++)
                transposed[(j * _outputs) + i] = levels[(i * _inputs) + j];
        }
        _weights?.Dispose();
        _weights = new PackedIntegerWeights(transposed, _ones, [], _inputs, _outputs, _weightBits);
    }

    /// <summary>Computes x̄.</summary>
    /// <param name="y">ȳ, <c>[tokens, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="x">x̄, <c>[tokens, inputs]</c>, contiguous.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    public void WriteInputGradient(float* y, nint ldy, int tokens, float* x, float* scratch)
    {
        for (int start = 0; start < tokens; start += MostTokens)
        {
            int rows = Math.Min(MostTokens, tokens - start);
            var space = new ScratchSpace(scratch);
            var call = new SplitRowsCall
            {
                Source = y + (start * ldy),
                SourceStride = ldy,
                Columns = _outputs,
                Factors = _weightScales.Pointer,
                High = space.Take<byte>((long)rows * _rowStride),
                Low = space.Take<byte>((long)rows * _rowStride),
                TargetStride = _rowStride,
                Scales = space.Take<float>(rows),
            };
            SplitRows.Run(in call, 0, rows);
            OperationTimes.EndPhase("x̄ round");
            float* highScales = space.Take<float>(rows), target = x + ((nint)start * _inputs);
            int* zeros = space.Take<int>(rows);
            for (int row = 0; row < rows; row++)
                highScales[row] = TwoPlanes.Base * call.Scales[row];
            new Span<int>(zeros, rows).Fill(SplitRows.ZeroPoint);
            TokenParameters high = new(highScales, zeros, stride: 1), low = new(call.Scales, zeros, stride: 1);
            Int8Gemm.Run(
                _weights!, call.High, _rowStride, in high, target, _inputs, 0, rows, accumulate: false);
            Int8Gemm.Run(_weights!, call.Low, _rowStride, in low, target, _inputs, 0, rows, accumulate: true);
            OperationTimes.EndPhase("x̄ product");
        }
    }

    /// <summary>Adds W̄, transposed.</summary>
    /// <param name="y">ȳ, <c>[tokens, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="levels">p, <c>[tokens, inputs]</c>.</param>
    /// <param name="stride">The distance of its rows in bytes.</param>
    /// <param name="parameters">s_t and z_t of each token.</param>
    /// <param name="gradient">The sum, <c>[inputs, outputs]</c>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    public void AddWeightGradient(
        float* y, nint ldy, int tokens, byte* levels, nint stride, TokenParameters parameters, float* gradient,
        float* scratch)
    {
        for (int start = 0; start < tokens; start += MostTokens)
        {
            var part = new TokenParameters(parameters.Scales + start, parameters.ZeroPoints + start, stride: 1);
            AddWeightGradient(
                y + (start * ldy), ldy, Math.Min(MostTokens, tokens - start), levels + (start * stride), stride, part,
                gradient, new ScratchSpace(scratch));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _weights?.Dispose();
        foreach (IDisposable resource in (IDisposable[])[_weightScales, _noBias, _planeScales, _noZero])
            resource.Dispose();
    }

    private void AddWeightGradient(
        float* y, nint ldy, int rows, byte* levels, nint stride, TokenParameters parameters, float* gradient,
        ScratchSpace space)
    {
        int groups = (rows + 3) / 4;
        var call = new SplitColumnsCall
        {
            Source = y,
            SourceStride = ldy,
            Rows = rows,
            Columns = _outputs,
            Factors = parameters.Scales,
            PanelColumns = _kernel.Columns,
            PaddedColumns = _paddedOutputs,
            High = space.Take<sbyte>((long)groups * 4 * _paddedOutputs),
            Low = space.Take<sbyte>((long)groups * 4 * _paddedOutputs),
            HighSums = space.Take<int>(_paddedOutputs),
            LowSums = space.Take<int>(_paddedOutputs),
            Scales = space.Take<float>(_paddedOutputs),
        };
        SplitColumns.Run(in call);
        nint groupStride = 4 * _interleavedColumns;
        float* bias = space.Take<float>(_paddedOutputs);
        byte* input = space.Take<byte>(groups * groupStride);
        InterleavedRows.Write(levels, stride, rows, _inputs, input, groupStride);
        byte* zeros = input + (4 * _inputs); // zero points are a further channel
        for (int row = 0; row < rows; row++)
            zeros[(row / 4 * groupStride) + (row % 4)] = (byte)parameters.ZeroPoints[row];
        OperationTimes.EndPhase("W̄ round");
        IntegerPanels high = Panels(call.High, call.HighSums, call.Scales, groups);
        IntegerPanels low = Panels(call.Low, call.LowSums, call.Scales, groups);
        TokenParameters Plane(int index) => new(_planeScales.Pointer + index, _noZero.Pointer, stride: 0);
        Int8Gemm.Run(in high, zeros, 4, groupStride, Plane(2), bias, _outputs, 0, 1, accumulate: false);
        Int8Gemm.Run(in low, zeros, 4, groupStride, Plane(3), bias, _outputs, 0, 1, accumulate: true);
        high.Bias = bias;
        Int8Gemm.Run(in high, input, 4, groupStride, Plane(0), gradient, _outputs, 0, _inputs, accumulate: true);
        Int8Gemm.Run(in low, input, 4, groupStride, Plane(1), gradient, _outputs, 0, _inputs, accumulate: true);
        OperationTimes.EndPhase("W̄ product");
    }

    private IntegerPanels Panels(sbyte* weights, int* sums, float* scales, int groups) => new()
    {
        Kernel = _kernel,
        Outputs = _outputs,
        PaddedOutputs = _paddedOutputs,
        Groups = groups,
        Weights = weights,
        ColumnSums = sums,
        Scales = scales,
        Bias = _noBias.Pointer,
    };
}
