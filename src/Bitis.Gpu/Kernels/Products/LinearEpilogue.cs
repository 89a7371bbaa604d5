using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>What becomes of the sums of a linear layer, in the CPU's order of operations.</summary>
/// <remarks>
/// <code>
///   value  = (float)(sum − zeroPoint[m]·columnSum[n])            of levels; else the sum itself
///   y[m,n] = value·(scaleA[m]·scaleW[n]) + bias[n]               every product and sum rounded
///   C[m,n] = y[m,n]  or  (half)y[m,n]  or  the level of y[m,n]   of GELU(y[m,n]) with an activation
/// </code>
/// It works on two neighbouring columns, so that they are stored at once where rows permit it.
/// </remarks>
internal sealed class LinearEpilogue
{
    private readonly PtxWriter _writer;
    private readonly LinearShape _shape;
    private readonly LevelWriter? _levels;
    private readonly Register? _rest;
    private readonly Register? _columnQuantizers;
    private Register _target;
    private Register? _bias;
    private Register? _inputScales;
    private Register? _inputZeroPoints;
    private Register? _weightScales;
    private Register? _columnSums;

    /// <summary>Reads the parameters behind the operands and the number of rows.</summary>
    /// <param name="writer">The kernel.</param>
    /// <param name="shape">The layer.</param>
    /// <param name="target">The address of the output.</param>
    public LinearEpilogue(PtxWriter writer, LinearShape shape, Register target)
    {
        (_writer, _shape, _target) = (writer, shape, target);
        if (shape.HasBias)
            _bias = writer.Parameter(ParameterKind.Pointer);
        if (shape.Numbers == LinearNumbers.Levels)
        {
            _inputScales = writer.Parameter(ParameterKind.Pointer);
            _inputZeroPoints = writer.Parameter(ParameterKind.Pointer);
            _weightScales = writer.Parameter(ParameterKind.Pointer);
            _columnSums = writer.Parameter(ParameterKind.Pointer);
        }
        if (shape.Levels is not null)
            _levels = new LevelWriter(writer, shape.Levels);
        if (shape.Split is not null)
        {
            _rest = writer.Parameter(ParameterKind.Pointer);
            _columnQuantizers = writer.Parameter(ParameterKind.Pointer);
        }
    }

    /// <summary>Whether two columns lie at an address that permits one access to both.</summary>
    private bool HasPairs => _shape.Outputs % 2 == 0 && _shape.OutputStride % 2 == 0;

    /// <summary>Goes on to the operands of a layer among those of a launch.</summary>
    /// <param name="group">The layer.</param>
    /// <param name="outputs">The elements before its output.</param>
    /// <param name="rows">The rows before those of its input.</param>
    public void EnterGroup(Register group, Register outputs, Register rows)
    {
        Register columns = _writer.Multiply(group, _shape.Outputs);
        _target = _writer.Address(_target, outputs, _shape.OutputBytes);
        (_bias, _weightScales, _columnSums) =
            (Behind(_bias, columns), Behind(_weightScales, columns), Behind(_columnSums, columns));
        (_inputScales, _inputZeroPoints) = (Behind(_inputScales, rows), Behind(_inputZeroPoints, rows));

        Register? Behind(Register? values, Register count) =>
            values is { } pointer ? _writer.Address(pointer, count, sizeof(float)) : null;
    }

    /// <summary>What belongs to a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="rows">How many there are.</param>
    public RowValues ReadRow(Register row, Register rows)
    {
        Register isInside = _writer.Less(row, rows);
        return new RowValues(
            row, isInside, ReadFloat(_inputScales, row, isInside), ReadInteger(_inputZeroPoints, row, isInside),
            _levels?.ReadRow(row, isInside));
    }

    /// <summary>What belongs to a column and the next one.</summary>
    /// <param name="column">An even number.</param>
    public ColumnValues[] ReadColumns(Register column)
    {
        var values = new ColumnValues[2];
        for (int i = 0; i < values.Length; i++)
        {
            Register c = i == 0 ? column : _writer.Add(column, i), isInside = _writer.Less(c, _shape.Outputs);
            values[i] = new ColumnValues(
                c, isInside, ReadFloat(_bias, c, isInside), ReadFloat(_weightScales, c, isInside),
                ReadInteger(_columnSums, c, isInside), _levels?.ReadFactor(c, isInside), ReadQuantizer(c));
        }
        return values;
    }

    /// <summary>Finishes two sums of a row.</summary>
    /// <param name="row">Their row.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="sums">The sums: integers of levels, else floats.</param>
    public void Store(RowValues row, ColumnValues[] columns, ReadOnlySpan<Register> sums)
    {
        PtxWriter w = _writer;
        Register[] y = [Finish(row, columns[0], sums[0]), Finish(row, columns[1], sums[1])];
        if (_shape.Split is { } split)
        {
            StoreSplit(split, row, columns, y);
            return;
        }
        Register index = w.MultiplyAdd(row.Index, _shape.OutputStride, columns[0].Index);
        Register address = w.Address(_target, index, _shape.OutputBytes);
        if (HasPairs)
        {
            StorePair(w.Both(row.IsInside, columns[0].IsInside), address, y);
            return;
        }
        for (int i = 0; i < y.Length; i++)
        {
            Register isInside = w.Both(row.IsInside, columns[i].IsInside);
            Operand place = Operand.At(address, i * _shape.OutputBytes);
            if (_levels is null)
                w.Store(isInside, place, y[i], _shape.Output == LinearOutput.Halves);
            else
                w.DoIf(isInside, "st.global.u8", place, y[i]);
        }
    }

    /// <summary>What is stored for a sum: a float, or a level.</summary>
    private Register Finish(RowValues row, ColumnValues column, Register sum)
    {
        Register y = Dequantize(row, column, sum);
        if (_shape.Activation == LinearActivation.Gelu)
            y = _writer.Gelu(y);
        return _levels is null ? y : _levels.Level(y, row.Levels!, column.LevelFactor);
    }

    /// <summary>Stores two outputs as levels, or as floats in the second place.</summary>
    private void StoreSplit(LinearSplit split, RowValues row, ColumnValues[] columns, Register[] y)
    {
        PtxWriter w = _writer;
        Register isInside = w.Both(row.IsInside, columns[0].IsInside);
        Register isLevel = columns[0].Quantizer!.IsLevel;
        Register isRest = w.Less(w.Integer(split.Columns - 1), columns[0].Index);
        Register[] levels = [.. y.Zip(columns, (value, column) => column.Quantizer!.Level(w, value))];
        Register pair = w.PackLevels(levels[0], levels[1]);
        Register place = w.MultiplyAdd(row.Index, _shape.OutputStride, columns[0].Index);
        w.DoIf(w.Both(isInside, isLevel), "st.global.u16", Operand.At(w.Address(_target, place, 1)), pair);
        Register column = w.Subtract(columns[0].Index, split.Columns);
        place = w.MultiplyAdd(row.Index, split.RestStride, column);
        Operand rest = Operand.At(w.Address(_rest!.Value, place, split.RestBytes));
        w.StoreVector(w.Both(isInside, isRest), rest, y, split.RestIsHalf);
    }

    private Register Dequantize(RowValues row, ColumnValues column, Register sum)
    {
        PtxWriter w = _writer;
        Register y = sum;
        if (_shape.Numbers == LinearNumbers.Levels)
        {
            Register zero = w.Multiply(row.InputZeroPoint!.Value, column.WeightSum!.Value);
            Register value = w.Emit(RegisterKind.Float, "cvt.rn.f32.s32", w.Subtract(sum, zero));
            y = w.Multiply(value, w.Multiply(row.InputScale!.Value, column.WeightScale!.Value));
        }
        return column.Bias is { } bias ? w.Add(y, bias) : y;
    }

    private void StorePair(Register isInside, Register address, Register[] y)
    {
        PtxWriter w = _writer;
        if (_levels is null)
            w.StoreVector(isInside, Operand.At(address), y, _shape.Output == LinearOutput.Halves);
        else
            w.DoIf(isInside, "st.global.u16", Operand.At(address), w.PackLevels(y[0], y[1]));
    }

    /// <summary>How a column becomes levels, if it does.</summary>
    private ColumnQuantizer? ReadQuantizer(Register column)
    {
        if (_shape.Split is not { } split)
            return null;
        Register isLevel = _writer.Less(column, split.Columns);
        Register[] values = [.. Enumerable.Range(0, 3).Select(
            i => ReadFloat(_columnQuantizers, _writer.Add(column, i * split.Columns), isLevel)!.Value)];
        return new ColumnQuantizer(isLevel, values[0], values[1], values[2]);
    }

    private Register? ReadFloat(Register? values, Register index, Register isInside)
    {
        if (values is not { } pointer)
            return null;
        Register value = _writer.Float(0);
        _writer.DoIf(
            isInside, "ld.global.nc.f32", value, Operand.At(_writer.Address(pointer, index, sizeof(float))));
        return value;
    }

    private Register? ReadInteger(Register? values, Register index, Register isInside)
    {
        if (values is not { } pointer)
            return null;
        Register value = _writer.Integer(0);
        _writer.DoIf(isInside, "ld.global.nc.b32", value, Operand.At(_writer.Address(pointer, index, sizeof(int))));
        return value;
    }

    /// <summary>What belongs to a row of the output.</summary>
    internal sealed record RowValues(
        Register Index, Register IsInside, Register? InputScale, Register? InputZeroPoint, LevelWriter.Row? Levels);

    /// <summary>What belongs to a column of the output.</summary>
    internal sealed record ColumnValues(
        Register Index, Register IsInside, Register? Bias, Register? WeightScale, Register? WeightSum,
        Register? LevelFactor, ColumnQuantizer? Quantizer);

    /// <summary>How a column becomes levels.</summary>
    internal sealed record ColumnQuantizer(Register IsLevel, Register InverseScale, Register Lowest, Register Highest)
    {
        /// <summary>The level of a value, from 0 on.</summary>
        public Register Level(PtxWriter w, Register value) => w.Emit(
            RegisterKind.Word, "cvt.rzi.s32.f32", w.Subtract(w.Center(value, InverseScale, Lowest, Highest), Lowest));
    }
}
