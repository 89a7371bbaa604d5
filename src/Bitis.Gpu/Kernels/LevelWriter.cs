using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels;

/// <summary>Writes how values become levels, with the CPU's bits.</summary>
/// <remarks>
/// <code>
///   level = clamp(round(x·factor[column]·(1/scale[row])) + zeroPoint[row], 0, highest)
/// </code>
/// </remarks>
internal sealed class LevelWriter
{
    private readonly PtxWriter _writer;
    private readonly LevelShape _shape;
    private readonly Register _inverseScales;
    private readonly Register _zeroPoints;

    /// <summary>Reads the parameters, in the order of <see cref="LevelOperands"/>.</summary>
    public LevelWriter(PtxWriter writer, LevelShape shape)
    {
        (_writer, _shape) = (writer, shape);
        _inverseScales = writer.Parameter(ParameterKind.Pointer);
        _zeroPoints = writer.Parameter(ParameterKind.Pointer);
        if (shape.HasFactors)
            Factors = writer.Parameter(ParameterKind.Pointer);
    }

    /// <summary>The address of the columns' factors; null for none.</summary>
    public Register? Factors { get; }

    /// <summary>What belongs to a row.</summary>
    /// <param name="row">Its number among those with parameters.</param>
    /// <param name="isInside">Whether there is such a row; null if there always is.</param>
    public Row ReadRow(Register row, Register? isInside = null) =>
        new(Read(_inverseScales, row, isInside), Read(_zeroPoints, row, isInside));

    /// <summary>The factor of a column; null if there are none.</summary>
    /// <param name="column">Its number.</param>
    /// <param name="isInside">Whether there is such a column; null if there always is.</param>
    public Register? ReadFactor(Register column, Register? isInside = null) =>
        Factors is { } factors ? Read(factors, column, isInside) : null;

    /// <summary>The level of a value.</summary>
    public Register Level(Register value, Row row, Register? factor) => _writer.Quantize(
        factor is { } f ? _writer.Multiply(value, f) : value, row.InverseScale, row.ZeroPoint, _shape.MaxLevel);

    private Register Read(Register pointer, Register index, Register? isInside)
    {
        Register address = _writer.Address(pointer, index, sizeof(float));
        if (isInside is not { } predicate)
            return _writer.LoadConstant(address);
        Register value = _writer.Float(0);
        _writer.DoIf(predicate, "ld.global.nc.f32", value, Operand.At(address));
        return value;
    }

    /// <summary>The parameters of a row.</summary>
    internal sealed record Row(Register InverseScale, Register ZeroPoint);
}
