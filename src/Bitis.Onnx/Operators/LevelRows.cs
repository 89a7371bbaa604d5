using System.Runtime.InteropServices;
using Bitis.Onnx.Writing;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Operators;

/// <summary>Levels of values: <c>q = clamp(round(x·(1/s)) + z)</c>.</summary>
internal static class LevelRows
{
    /// <summary>The most bits of an unsigned level of ONNX.</summary>
    private const int Bits = 8;

    /// <summary>A constant with a number for each group, in the shape that fits the values.</summary>
    /// <param name="onnx">The graph.</param>
    /// <param name="quantizer">The quantizer.</param>
    /// <param name="values">The numbers, one for each group.</param>
    /// <param name="shape">The shape of what is quantized, for one image.</param>
    /// <param name="behind">How many dimensions lie behind the channels.</param>
    public static string PerGroup(
        GraphWriter onnx, UniformQuantizer quantizer, ReadOnlySpan<float> values, Shape shape, int behind)
    {
        if (values.IndexOfAnyExcept(values[0]) < 0)
            return onnx.Scalar(values[0]);
        return quantizer.Granularity == Granularity.PerToken
            ? onnx.Floats(values, [.. shape.Sizes[..^1].ToArray().Select(size => (long)size), 1])
            : onnx.Floats(values, [values.Length, .. Enumerable.Repeat(1L, behind)]);
    }

    /// <summary>The levels minus the zero point, q − z, as float32.</summary>
    /// <param name="onnx">The graph.</param>
    /// <param name="x">The values.</param>
    /// <param name="quantizer">The quantizer.</param>
    /// <param name="shape">The shape of the values, for one image.</param>
    /// <param name="behind">How many dimensions lie behind the channels.</param>
    public static string Centered(GraphWriter onnx, string x, UniformQuantizer quantizer, Shape shape, int behind)
    {
        string steps = onnx.Add(
            "Round", [onnx.Add("Mul", [x, PerGroup(onnx, quantizer, quantizer.InverseScales, shape, behind)])]);
        float[] lows = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)(quantizer.MinLevel - zero))],
            highs = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)(quantizer.MaxLevel - zero))];
        string low = PerGroup(onnx, quantizer, lows, shape, behind),
            high = PerGroup(onnx, quantizer, highs, shape, behind);
        return IsOne(quantizer.ZeroPoints)
            ? onnx.Add("Clip", [steps, low, high])
            : onnx.Add("Min", [onnx.Add("Max", [steps, low]), high]);
    }

    /// <summary>The levels as bytes, and their zero point if it is the same for all.</summary>
    /// <param name="onnx">The graph.</param>
    /// <param name="x">The values.</param>
    /// <param name="quantizer">A quantizer of unsigned levels.</param>
    /// <param name="shape">The shape of the values, for one image.</param>
    /// <param name="behind">How many dimensions lie behind the channels.</param>
    public static (string Levels, string? ZeroPoint) Bytes(
        GraphWriter onnx, string x, UniformQuantizer quantizer, Shape shape, int behind)
    {
        // Divided by s, a value may round to another level than times 1/s.
        string steps = onnx.Add("Mul", [x, PerGroup(onnx, quantizer, quantizer.InverseScales, shape, behind)]);
        int[] zeros = quantizer.ZeroPoints.ToArray();
        string? zero = IsOne(zeros) ? onnx.Constant(DataType.Uint8, [], [(byte)zeros[0]]) : null;
        string levels = zero is not null
            ? onnx.Add("QuantizeLinear", [steps, onnx.Scalar(1), zero])
            : onnx.Add(
                "QuantizeLinear",
                [
                    steps, onnx.Floats([.. Enumerable.Repeat(1f, zeros.Length)], zeros.Length),
                    onnx.Constant(DataType.Uint8, [zeros.Length], Array.ConvertAll(zeros, level => (byte)level)),
                ],
                ("axis", 1));
        if (quantizer.Bits < Bits)
            levels = onnx.Add("Clip", [levels, "", onnx.Constant(DataType.Uint8, [], [(byte)quantizer.MaxLevel])]);
        return (levels, zero);
    }

    /// <summary>A constant of int32.</summary>
    public static string Integers(GraphWriter onnx, ReadOnlySpan<int> values, params ReadOnlySpan<long> shape) =>
        onnx.Constant(DataType.Int32, shape, MemoryMarshal.AsBytes(values));

    private static bool IsOne(ReadOnlySpan<int> values) => values.IndexOfAnyExcept(values[0]) < 0;
}
