using Bitis.Graphs;
using Bitis.Onnx.Writing;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Operators;

/// <summary>Quantized layers: <c>y = Σ (q_x − z)·q_w · (s_x·s_w) + b</c>, as sessions compute them.</summary>
internal static class QuantizedLayerRow
{
    /// <summary>Writes a layer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="node">The layer's node.</param>
    /// <param name="layer">Its levels and quantizers.</param>
    /// <returns>Its value, and how a runtime computes it.</returns>
    public static (Value Value, LayerArithmetic Arithmetic) Write(ModelWriter model, Node node, QuantizedLayer layer)
    {
        if (layer.Input is not { } input)
        {
            model.SetParameter(node, 0, Weights(model, node, layer));
            return (LayerRows.Float(model, node), LayerArithmetic.FloatWithStoredLevels);
        }
        LayerForm form = LayerRows.Of(model, node);
        if (layer.Weight is not { } weight)
            return (LayerRows.Float(model, node, Simulated(model, node, form, input)), LayerArithmetic.FloatOnLevels);
        string x = form.Input;
        if (layer.InputFactors is { } factors)
            x = model.Onnx.Add("Mul", [x, model.Onnx.Floats(factors, factors.Length)]);
        if (layer.RotationOrder > 1)
            x = Rotated(model, node, x, layer.RotationOrder);
        bool isInteger = input.Scales.Length == 1 || (form.HasRows && node.Shape.Rank == 2);
        string sums = isInteger ? SumLevels(model, node, form, layer, x) : SumFloats(model, node, form, layer, x);
        return (
            form.Output(Rescaled(model, node, form, input, weight, sums)),
            isInteger ? LayerArithmetic.Integer : LayerArithmetic.FloatOnLevels);
    }

    /// <summary>Σ (q_x − z)·q_w in integers.</summary>
    private static string SumLevels(
        ModelWriter model, Node node, LayerForm form, QuantizedLayer layer, string x)
    {
        GraphWriter onnx = model.Onnx;
        UniformQuantizer input = layer.Input!;
        (string levels, string? zero) = LevelRows.Bytes(
            onnx, x, input, node.Inputs[0].Shape, form.DimensionsBehind);
        int outputs = layer.Weight!.Scales.Length, inputs = layer.Levels!.Length / outputs;
        string weights = form.HasRows
            ? WeightLevels.Bytes(
                onnx, layer, TransposedLevels(layer.Levels, outputs, inputs), inputs, outputs)
            : WeightLevels.Bytes(onnx, layer, layer.Levels, ParameterSizes(node));
        string sums = form.MultiplyLevels(zero is null ? [levels, weights] : [levels, weights, zero]);
        if (zero is null)
        {
            // Runtimes take one zero point for all rows. Σ (q_x − z)·q_w = Σ q_x·q_w − z·Σ q_w
            int[] totals = [.. Enumerable.Range(0, outputs).Select(
                o => layer.Levels.AsSpan(o * inputs, inputs).ToArray().Sum(level => level))];
            string shares = onnx.Add(
                "Mul",
                [
                    LevelRows.Integers(onnx, input.ZeroPoints, input.ZeroPoints.Length, 1),
                    LevelRows.Integers(onnx, totals, outputs),
                ]);
            sums = onnx.Add("Sub", [sums, shares]);
        }
        return onnx.Add("Cast", [sums], ("to", (int)DataType.Float));
    }

    /// <summary>Σ (q_x − z)·q_w in float32, exact below 2²⁴: layers whose channels have scales of their own.</summary>
    private static string SumFloats(ModelWriter model, Node node, LayerForm form, QuantizedLayer layer, string x)
    {
        GraphWriter onnx = model.Onnx;
        string levels = WeightLevels.Constant(onnx, layer, layer.Levels!, ParameterSizes(node));
        return form.Multiply(
        [
            LevelRows.Centered(onnx, x, layer.Input!, node.Inputs[0].Shape, form.DimensionsBehind),
            onnx.Add("Cast", [levels], ("to", (int)DataType.Float)),
        ]);
    }

    /// <summary>sum·(s_x·s_w) + b</summary>
    private static string Rescaled(
        ModelWriter model, Node node, LayerForm form, UniformQuantizer input, UniformQuantizer weight, string sums)
    {
        GraphWriter onnx = model.Onnx;
        string scales = onnx.Add(
            "Mul",
            [
                LevelRows.PerGroup(onnx, input, input.Scales, node.Inputs[0].Shape, form.DimensionsBehind),
                PerOutput(onnx, weight.Scales, form.DimensionsBehind),
            ]);
        string y = onnx.Add("Mul", [sums, scales]);
        return node.ParameterNames.Count < 2
            ? y
            : onnx.Add(
                "Add", [y, PerOutput(onnx, model.ParameterValues(node, 1).Span, form.DimensionsBehind)]);
    }

    /// <summary>The weights that stored levels stand for.</summary>
    private static string Weights(ModelWriter model, Node node, QuantizedLayer layer)
    {
        GraphWriter onnx = model.Onnx;
        string levels = WeightLevels.Constant(onnx, layer, layer.Levels!, ParameterSizes(node));
        ReadOnlySpan<float> scales = layer.Weight!.Scales;
        return onnx.Add("DequantizeLinear", [levels, onnx.Floats(scales, scales.Length)], ("axis", 0));
    }

    /// <summary>The input's values that levels stand for: s·(q − z).</summary>
    private static string Simulated(ModelWriter model, Node node, LayerForm form, UniformQuantizer input)
    {
        Shape shape = node.Inputs[0].Shape;
        return model.Onnx.Add(
            "Mul",
            [
                LevelRows.Centered(model.Onnx, form.Input, input, shape, form.DimensionsBehind),
                LevelRows.PerGroup(model.Onnx, input, input.Scales, shape, form.DimensionsBehind),
            ]);
    }

    /// <summary>A product of blocks of channels with the transform's matrix.</summary>
    private static string Rotated(ModelWriter model, Node node, string x, int order)
    {
        GraphWriter onnx = model.Onnx;
        var matrix = new float[order * order];
        for (int i = 0; i < order; i++)
            matrix[(i * order) + i] = 1;
        Rotation.Apply(matrix, order, matrix);
        long channels = node.Inputs[0].Shape[^1];
        string blocks = onnx.Add("Reshape", [x, onnx.Integers(-1, channels / order, order)]);
        string rotated = onnx.Add("MatMul", [blocks, onnx.Floats(matrix, order, order)]);
        return onnx.Add("Reshape", [rotated, onnx.Integers([-1, .. LayerRows.SizesOf(node.Inputs[0])])]);
    }

    private static string PerOutput(GraphWriter onnx, ReadOnlySpan<float> values, int behind) =>
        onnx.Floats(values, [values.Length, .. Enumerable.Repeat(1L, behind)]);

    private static long[] ParameterSizes(Node node) =>
        [.. node.Operator.Parameters[0].Shape.Select(size => (long)size)];

    private static sbyte[] TransposedLevels(sbyte[] levels, int outputs, int inputs)
    {
        var transposed = new sbyte[levels.Length];
        for (int i = 0; i < levels.Length; i++)
            transposed[(i % inputs * outputs) + (i / inputs)] = levels[i];
        return transposed;
    }
}
