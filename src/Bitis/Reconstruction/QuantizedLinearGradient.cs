using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Reconstruction;

/// <summary>
/// A quantized linear layer, forward in integers as sessions compute it, backward with straight-through gradients.
/// </summary>
/// <remarks>
/// Let g = ∂L/∂x̂ = ȳ·Ŵ, G = ∂L/∂Ŵ = ȳᵀ·x̂ and u = x/m. The 1 stands for 1 where the unrounded value is strictly inside
/// of the levels, else 0. Both products are computed by <see cref="LevelProducts"/>:
/// <code>
///   ∂L/∂s_t = Σ g·(q_x − z − 1·u/s)        ∂L/∂z_t = −s·Σ g·(not 1)        ∂L/∂x = g·1/m
///   ∂L/∂s_i = Σ_j G·(q_w − 1·W·m/s_i)      ∂L/∂m_j = −Σ g·1·x/m² + Σ_i G·1·W
/// </code>
/// </remarks>
/// <param name="linear">The layer; its gradients are written there.</param>
/// <param name="node">The layer's node in the graph that is run.</param>
internal sealed unsafe class QuantizedLinearGradient(LearnedLinear linear, Node node) : OperationGradient, IDisposable
{
    private readonly int _inputs = linear.Product.Inputs, _outputs = linear.Product.Outputs;
    private PackedIntegerWeights? _packed;
    private LevelProducts? _products; // if anything is learned
    private PackedFloatWeights? _transposed; // else
    private NativeBuffer<float> _scales = null!, _inverseScales = null!, _factors = null!;
    private NativeBuffer<int> _zeros = null!;
    private FloatTensor _weight = null!;
    private ParameterSlot _weightSums = null!, _inputScaleSums = null!, _zeroPointSums = null!, _smoothingSums = null!;
    private ArenaMatrix _x, _levels, _y, _yGradient;
    private GradientTarget? _xGradient;
    private int _images;

    /// <inheritdoc />
    public override string Kind => "quantized linear";

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _images = planner.Images;
        _x = planner.Value(node.Inputs[0]);
        _levels = planner.NewMatrix(_x.Rows, (_inputs + 3) / 4); // four levels in the place of a float
        _y = planner.NewValue(node);
        _weight = planner.Weight(node, 0);
        _weightSums = planner.NewSums($"{node.Name}.weight_levels", _weight.Length);
        _inputScaleSums = planner.NewSums($"{node.Name}.input_scale", _x.Rows);
        _zeroPointSums = planner.NewSums($"{node.Name}.input_zero_point", _x.Rows);
        _smoothingSums = planner.NewSums($"{node.Name}.smoothing", _inputs);
        if (linear.IsLearned)
            _products = new LevelProducts(_outputs, _inputs, linear.Bits.Weights);
        else
            _transposed = new PackedFloatWeights(_inputs, _outputs);
        int rows = _x.Rows * _images;
        _scales = new NativeBuffer<float>(rows);
        _inverseScales = new NativeBuffer<float>(rows);
        _zeros = new NativeBuffer<int>(rows);
        _factors = new NativeBuffer<float>(_inputs);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        planner.Keep(_levels);
        int rows = planner.Images * _x.Rows;
        if (_products is not null)
            planner.NeedScratch(ValuesLength(rows) + _products.ScratchLength(rows));
        _yGradient = planner.Gradient(node);
        _xGradient = planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        for (int row = 0; row < _x.Rows; row++)
        {
            int group = Group(row);
            for (int i = row; i < _x.Rows * _images; i += _x.Rows)
            {
                _scales.Span[i] = linear.InputScales[group];
                _inverseScales.Span[i] = 1 / linear.InputScales[group];
                _zeros.Span[i] = linear.ZeroPoint(group);
            }
        }
        linear.InverseSmoothing().CopyTo(_factors.Span);
        sbyte[] levels = linear.WeightLevels();
        _packed?.Dispose();
        ReadOnlySpan<float> bias = linear.Bias is { } floats ? floats.Span : default;
        _packed = new PackedIntegerWeights(levels, linear.WeightScales, bias, _outputs, _inputs);
        _products?.Prepare(levels, linear.WeightScales);
        _transposed?.PackTransposed(_weight.Span);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        int rows = microBatch.Rows(_x), stride = _levels.Stride * sizeof(float);
        byte* levels = (byte*)microBatch.Pointer(_levels);
        var call = new QuantizeCall
        {
            Source = microBatch.Pointer(_x),
            SourceStride = _x.Stride,
            Target = levels,
            TargetStride = stride,
            Columns = _inputs,
            ColumnFactors = linear.HasSmoothing ? _factors.Pointer : null,
            InverseScales = _inverseScales.Pointer,
            ZeroPoints = _zeros.Pointer,
            ParameterStride = 1,
            MaxValue = linear.MaxInputLevel,
        };
        Quantize.Run(in call, 0, rows);
        var parameters = new TokenParameters(_scales.Pointer, _zeros.Pointer, stride: 1);
        Int8Gemm.Run(
            _packed!, levels, stride, in parameters, microBatch.Pointer(_y), _y.Stride, 0, rows, accumulate: false);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        int rows = microBatch.Rows(_x);
        float* yGradient = microBatch.Pointer(_yGradient), values = microBatch.Scratch,
            scratch = values + ValuesLength(rows);
        if (_products is null)
        {
            if (_xGradient is { } direct)
            {
                FloatGemm.Run(
                    _transposed!, yGradient, _yGradient.Stride, microBatch.Pointer(direct.Matrix), direct.Matrix.Stride,
                    0, rows, direct.Accumulate);
            }

            return;
        }
        _products.AddWeightGradient(
            yGradient, _yGradient.Stride, rows, (byte*)microBatch.Pointer(_levels), _levels.Stride * sizeof(float),
            new TokenParameters(_scales.Pointer, _zeros.Pointer, stride: 1), microBatch.Gradient(_weightSums), scratch);
        _products.WriteInputGradient(yGradient, _yGradient.Stride, rows, values, scratch); // g
        float* x = microBatch.Pointer(_x), factors = _factors.Pointer, scales = _scales.Pointer,
            inverseScales = _inverseScales.Pointer;
        int* zeros = _zeros.Pointer;
        float* target = _xGradient is { } xGradient ? microBatch.Pointer(xGradient.Matrix) : null;
        nint targetStride = _xGradient?.Matrix.Stride ?? 0;
        for (int row = 0; row < rows; row++)
        {
            int token = row % _x.Rows;
            (float scaleSum, float zeroSum) = StraightThrough.PassBack(
                values + ((nint)row * _inputs),
                x + ((nint)row * _x.Stride),
                factors,
                _inputs,
                inverseScales[row],
                zeros[row],
                linear.MaxInputLevel,
                microBatch.Gradient(_smoothingSums),
                target,
                _xGradient is { Accumulate: true });
            target += targetStride;
            microBatch.Gradient(_inputScaleSums)[token] += scaleSum;
            microBatch.Gradient(_zeroPointSums)[token] -= scales[row] * zeroSum;
        }
    }

    /// <inheritdoc />
    public override void Finish()
    {
        Array.Clear(linear.InputScaleGradient);
        Array.Clear(linear.ZeroPointGradient);
        Array.Clear(linear.WeightScaleGradient);
        Array.Clear(linear.SmoothingGradient);
        if (!linear.IsLearned)
            return;
        for (int row = 0; row < _x.Rows; row++)
        {
            linear.InputScaleGradient[Group(row)] += _inputScaleSums.Gradient.Span[row];
            linear.ZeroPointGradient[Group(row)] += _zeroPointSums.Gradient.Span[row];
        }
        float max = linear.MaxWeightLevel;
        var weightGradient = new float[_weight.Length];
        MatrixSums.Transpose(_weightSums.Gradient.Span, _outputs, weightGradient);
        for (int i = 0; i < _outputs; i++)
        {
            linear.WeightScaleGradient[i] = StraightThrough.AddWeightGradients(
                weightGradient.AsSpan(i * _inputs, _inputs),
                linear.Weight.Span.Slice(i * _inputs, _inputs),
                linear.Smoothing,
                linear.WeightScales[i],
                max,
                linear.SmoothingGradient);
        }
        for (int j = 0; j < _inputs; j++)
            linear.SmoothingGradient[j] -= _smoothingSums.Gradient.Span[j] * _factors.Span[j] * _factors.Span[j];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _packed?.Dispose();
        foreach (
            IDisposable? resource in (IDisposable?[])
            [
                _products, _transposed, _scales, _inverseScales, _factors, _zeros,
            ])
        {
            resource?.Dispose();
        }
    }

    /// <summary>The scale that a row in memory has.</summary>
    private int Group(int row) =>
        linear.Granularity != Granularity.PerToken ? 0 : _x.IsReversed ? _x.Rows - 1 - row : row;

    /// <summary>The elements of g, up to where a cache line begins.</summary>
    private int ValuesLength(int rows) => ((rows * _inputs) + 15) / 16 * 16;
}
