namespace Bitis.Execution.LowBit;

/// <summary>Rows of ȳ as the integer product takes them.</summary>
/// <param name="levels">The levels, each plus its zero point.</param>
/// <param name="scales">The scale of each row.</param>
/// <param name="zeros">The zero point of each row.</param>
/// <param name="count">The number of rows.</param>
internal readonly unsafe struct QuantizedRows(byte* levels, float* scales, int* zeros, int count)
{
    /// <summary>The levels, each plus its zero point.</summary>
    public byte* Levels => levels;

    /// <summary>The scale of each row.</summary>
    public float* Scales => scales;

    /// <summary>The zero point of each row.</summary>
    public int* Zeros => zeros;

    /// <summary>The number of rows.</summary>
    public int Count => count;
}
