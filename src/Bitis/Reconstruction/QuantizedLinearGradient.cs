using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>
/// A quantized linear layer, forward in integers as the runtime computes it, and back with straight-through gradients. With
/// g = ∂L/∂x̂ = ȳ·Ŵ, G = ∂L/∂Ŵ = ȳᵀ·x̂, u = x/m, and 1 where the unrounded value is strictly inside of the levels:
/// <code>
///   ∂L/∂s_t = Σ g·(q_x − z − 1·u/s)        ∂L/∂z_t = −s·Σ g·(not 1)        ∂L/∂x = g·1/m
///   ∂L/∂s_i = Σ_j G·(q_w − 1·W·m/s_i)      ∂L/∂m_j = −Σ g·1·x/m² + Σ_i G·1·W
/// </code>
/// </summary>
/// <param name="linear">The layer; its gradients are written there.</param>
/// <param name="node">The layer's node in the graph that is run.</param>
internal sealed unsafe class QuantizedLinearGradient(LearnedLinear linear, Node node) : OperationGradient, IDisposable
{
    private readonly int _inputs = linear.Product.Inputs, _outputs = linear.Product.Outputs;
    private PackedIntegerWeights? _packed;
    private PackedFloatWeights _transposed = null!;
    private sbyte[] _weightLevels = [];
    private NativeBuffer<float> _scales = null!, _inverseScales = null!, _factors = null!;
    private NativeBuffer<int> _zeros = null!;
    private Tensor _weight = null!;
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
        planner.NeedScratch((rows * _inputs) + FloatGemm.TransposedScratch(rows));
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
        _weightLevels = linear.WeightLevels();
        _packed?.Dispose();
        ReadOnlySpan<float> bias = linear.Bias is { } floats ? floats.Span : default;
        _packed = new PackedIntegerWeights(_weightLevels, linear.WeightScales, bias, _outputs, _inputs);
        if (linear.IsLearned)
            _transposed.PackTransposed(DequantizedWeights());
        else
            _transposed.PackTransposed(_weight.Span);
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
            GridStride = 1,
            MaxValue = linear.MaxInputLevel,
        };
        Quantize.Run(in call, 0, rows);
        var parameters = new TokenGrids(_scales.Pointer, _zeros.Pointer, stride: 1);
        Int8Gemm.Run(_packed!, levels, stride, in parameters, microBatch.Pointer(_y), _y.Stride, 0, rows, accumulate: false);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        int rows = microBatch.Rows(_x);
        float* yGradient = microBatch.Pointer(_yGradient), values = microBatch.Scratch, scratch = values + ((nint)rows * _inputs);
        if (!linear.IsLearned)
        {
            if (_xGradient is { } direct)
                FloatGemm.Run(_transposed, yGradient, _yGradient.Stride, microBatch.Pointer(direct.Matrix), direct.Matrix.Stride, 0, rows, direct.Accumulate);
            return;
        }
        Dequantize(microBatch, rows, values);
        FloatGemm.AddTransposed(
            yGradient, _yGradient.Stride, values, _inputs, rows, _outputs, _inputs, microBatch.Gradient(_weightSums), scratch);
        FloatGemm.Run(_transposed, yGradient, _yGradient.Stride, values, _inputs, 0, rows, accumulate: false); // g
        float* x = microBatch.Pointer(_x), factors = _factors.Pointer, scales = _scales.Pointer, inverseScales = _inverseScales.Pointer;
        int* zeros = _zeros.Pointer;
        float* target = _xGradient is { } xGradient ? microBatch.Pointer(xGradient.Matrix) : null;
        for (int row = 0; row < rows; row++)
        {
            int token = row % _x.Rows;
            (float scaleSum, float zeroSum) = PassBack(
                values + ((nint)row * _inputs),
                x + ((nint)row * _x.Stride),
                factors,
                _inputs,
                inverseScales[row],
                zeros[row],
                linear.MaxInputLevel,
                microBatch.Gradient(_smoothingSums));
            microBatch.Gradient(_inputScaleSums)[token] += scaleSum;
            microBatch.Gradient(_zeroPointSums)[token] -= scales[row] * zeroSum;
        }
        if (target != null)
            MatrixSums.Write(values, _inputs, _xGradient!.Value, target, rows);
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
        for (int i = 0; i < _outputs; i++)
        {
            linear.WeightScaleGradient[i] = WeightGradients(
                _weightSums.Gradient.Span.Slice(i * _inputs, _inputs),
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
        foreach (IDisposable resource in (IDisposable[])[_transposed, _scales, _inverseScales, _factors, _zeros])
            resource.Dispose();
    }

    /// <summary>The scale that a row in memory has.</summary>
    private int Group(int row) => linear.Granularity != Granularity.PerToken ? 0 : _x.IsReversed ? _x.Rows - 1 - row : row;

    private float[] DequantizedWeights()
    {
        var weights = new float[_weightLevels.Length];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = linear.WeightScales[i / _inputs] * _weightLevels[i];
        return weights;
    }

    /// <summary>x̂ of all rows, contiguous.</summary>
    private void Dequantize(MicroBatch microBatch, int rows, float* values)
    {
        byte* levels = (byte*)microBatch.Pointer(_levels);
        int stride = _levels.Stride * sizeof(float);
        float* scales = _scales.Pointer;
        int* zeros = _zeros.Pointer;
        for (int row = 0; row < rows; row++)
            Dequantize(levels + ((nint)row * stride), scales[row], zeros[row], values + ((nint)row * _inputs), _inputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dequantize(byte* levels, float scale, float zero, float* target, int count)
    {
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + Vector128<byte>.Count <= count; i += Vector128<byte>.Count)
        {
            Vector512<int> wide = Avx512F.ConvertToVector512Int32(Vector128.Load(levels + i));
            ((Vector512.ConvertToSingle(wide) - Vector512.Create(zero)) * Vector512.Create(scale)).Store(target + i);
        }
        for (bool hasAvx2 = InstructionSets.HasAvx2; hasAvx2 && i + Vector256<int>.Count <= count; i += Vector256<int>.Count)
        {
            Vector256<int> wide = Avx2.ConvertToVector256Int32(levels + i);
            ((Vector256.ConvertToSingle(wide) - Vector256.Create(zero)) * Vector256.Create(scale)).Store(target + i);
        }
        for (; i < count; i++)
            target[i] = scale * (levels[i] - zero);
    }

    /// <summary>Turns g of a row into ∂L/∂x, and adds Σ g·1·x to the sums of its channels.</summary>
    /// <returns>Σ g·(q_x − z − 1·u/s), and Σ g where the value is outside of the levels.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float ScaleSum, float ZeroSum) PassBack(
        float* g, float* x, float* factors, int count, float inverseScale, float zero, float max, float* smoothingSums)
    {
        Vector<float> lowest = new(-zero), highest = new(max - zero), scaleSums = default, zeroSums = default, inverse = new(inverseScale);
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> gradient = Vector.Load(g + i), value = Vector.Load(x + i), factor = Vector.Load(factors + i);
            Vector<float> v = value * factor * inverse; // u/s
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(v), lowest), highest); // q − z
            Vector<float> inside = Vector.AsVectorSingle(Vector.GreaterThan(v, lowest) & Vector.LessThan(v, highest));
            Vector<float> passed = inside & gradient;
            scaleSums += (gradient * level) - (passed * v);
            zeroSums += gradient - passed;
            ((passed * value) + Vector.Load(smoothingSums + i)).Store(smoothingSums + i);
            (passed * factor).Store(g + i);
        }
        float scaleSum = Vector.Sum(scaleSums), zeroSum = Vector.Sum(zeroSums);
        for (; i < count; i++)
        {
            float v = x[i] * factors[i] * inverseScale, level = Math.Clamp(MathF.Round(v), -zero, max - zero);
            bool inside = v > -zero && v < max - zero;
            float passed = inside ? g[i] : 0;
            scaleSum += (g[i] * level) - (passed * v);
            zeroSum += g[i] - passed;
            smoothingSums[i] += passed * x[i];
            g[i] = passed * factors[i];
        }
        return (scaleSum, zeroSum);
    }

    /// <summary>
    /// Adds Σ G·1·W of a row of weights to the smoothing's gradient. The largest weight of a row often lies on the last level
    /// itself, where the official gradient hangs on the rounding of W·m/s: a division, therefore, as there.
    /// </summary>
    /// <returns>Σ_j G·(q_w − 1·W·m/s_i).</returns>
    private static float WeightGradients(
        ReadOnlySpan<float> g, ReadOnlySpan<float> weight, ReadOnlySpan<float> smoothing, float scale, float max, Span<float> smoothingGradient)
    {
        Vector<float> highest = new(max), divisor = new(scale), sums = default;
        int j = 0;
        for (; j <= g.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector<float> gradient = new(g[j..]), w = new(weight[j..]);
            Vector<float> v = w * new Vector<float>(smoothing[j..]) / divisor;
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(v), -highest), highest);
            Vector<float> passed = Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(v), highest), gradient, Vector<float>.Zero);
            sums += (gradient * level) - (passed * v);
            ((passed * w) + new Vector<float>(smoothingGradient[j..])).CopyTo(smoothingGradient[j..]);
        }
        float sum = Vector.Sum(sums);
        for (; j < g.Length; j++)
        {
            float v = weight[j] * smoothing[j] / scale, level = Math.Clamp(MathF.Round(v), -max, max);
            float passed = Math.Abs(v) < max ? g[j] : 0;
            sum += (g[j] * level) - (passed * v);
            smoothingGradient[j] += passed * weight[j];
        }
        return sum;
    }
}
