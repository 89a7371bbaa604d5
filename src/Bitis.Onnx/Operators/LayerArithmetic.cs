namespace Bitis.Onnx.Operators;

/// <summary>How a runtime computes a quantized layer.</summary>
internal enum LayerArithmetic
{
    /// <summary>A product of integers.</summary>
    Integer,

    /// <summary>In float32, on the numbers that levels are: the same result without the speed.</summary>
    FloatOnLevels,

    /// <summary>In float32, with weights whose levels are stored: a smaller file.</summary>
    FloatWithStoredLevels,
}
