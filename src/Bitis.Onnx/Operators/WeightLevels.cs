using System.Runtime.InteropServices;
using Bitis.Onnx.Writing;
using Bitis.Quantization;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Operators;

/// <summary>Levels of weights: two in a byte from opset 21 on if they fit, else one.</summary>
internal static class WeightLevels
{
    /// <summary>The first version of the standard operators with 4-bit integers.</summary>
    public const int FirstOpset = 21;

    private const int Bits = 4;

    /// <summary>Whether a layer has weights whose levels fit 4 bits.</summary>
    public static bool AreNarrow(QuantizedLayer layer) => layer.Weight?.Bits <= Bits;

    /// <summary>A constant with the levels of a layer.</summary>
    /// <param name="onnx">The graph.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="levels">Its levels, in the order of the constant.</param>
    /// <param name="shape">The sizes of the constant.</param>
    public static string Constant(
        GraphWriter onnx, QuantizedLayer layer, sbyte[] levels, params ReadOnlySpan<long> shape)
    {
        if (!ArePacked(onnx, layer))
            return onnx.Constant(DataType.Int8, shape, MemoryMarshal.AsBytes(levels.AsSpan()));
        var packed = new byte[(levels.Length + 1) / 2];
        for (int i = 0; i < levels.Length; i++)
            packed[i / 2] |= (byte)((levels[i] & ((1 << Bits) - 1)) << (i % 2 * Bits)); // the first in the low bits
        return onnx.Constant(DataType.Int4, shape, packed);
    }

    /// <summary>A constant of bytes, as products of integers take it.</summary>
    /// <remarks>Runtimes convert constants when they load a file. So 4 bits cost a product no time.</remarks>
    public static string Bytes(
        GraphWriter onnx, QuantizedLayer layer, sbyte[] levels, params ReadOnlySpan<long> shape)
    {
        string constant = Constant(onnx, layer, levels, shape);
        return ArePacked(onnx, layer) ? onnx.Add("Cast", [constant], ("to", (int)DataType.Int8)) : constant;
    }

    private static bool ArePacked(GraphWriter onnx, QuantizedLayer layer) =>
        onnx.Opset >= FirstOpset && AreNarrow(layer);
}
