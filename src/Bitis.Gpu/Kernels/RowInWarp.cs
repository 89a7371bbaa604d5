using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels;

/// <summary>Writes how a warp reads and writes a row, some neighbouring columns of a lane at once.</summary>
/// <remarks>Lane l has columns v·l to v·l + v − 1 of each 32·v. Rows begin at multiples of v elements.</remarks>
internal sealed class RowInWarp
{
    private readonly PtxWriter _writer;
    private readonly int _atOnce;
    private readonly int _vectors;
    private readonly Register _first;
    private readonly Register? _hasLast;

    /// <summary>Prepares a row.</summary>
    /// <param name="writer">The kernel.</param>
    /// <param name="columns">The length of the row, a multiple of v.</param>
    /// <param name="atOnce">v: 1, 2 or 4.</param>
    /// <param name="lane">The lane.</param>
    public RowInWarp(PtxWriter writer, int columns, int atOnce, Register lane)
    {
        (_writer, _atOnce) = (writer, atOnce);
        int ofWarp = atOnce * PtxWriter.WarpSize;
        _vectors = (columns + ofWarp - 1) / ofWarp;
        _first = atOnce == 1 ? lane : writer.Multiply(lane, atOnce);
        _hasLast = columns % ofWarp == 0 ? null : writer.Less(_first, columns - ((_vectors - 1) * ofWarp));
    }

    /// <summary>The columns of a lane; zeros where it has none.</summary>
    /// <param name="load">How, as for one value.</param>
    /// <param name="pointer">The address of all rows.</param>
    /// <param name="start">The elements before the row.</param>
    /// <param name="areHalves">Whether they are float16.</param>
    public Register[] Read(string load, Register pointer, Register start, bool areHalves)
    {
        int bytes = areHalves ? sizeof(ushort) : sizeof(float);
        Register place = _writer.Address(pointer, _writer.Add(start, _first), bytes);
        Register[] values = [.. Enumerable.Range(0, _vectors * _atOnce).Select(_ => _writer.Float(0))];
        for (int i = 0; i < _vectors; i++)
        {
            _writer.LoadVector(
                PredicateOf(i), load, values[(i * _atOnce)..((i + 1) * _atOnce)], PlaceOf(place, i, bytes), areHalves);
        }
        return values;
    }

    /// <summary>Writes floats.</summary>
    /// <param name="pointer">The address of all rows.</param>
    /// <param name="start">The elements before the row.</param>
    /// <param name="values">The columns of a lane.</param>
    /// <param name="areHalves">Whether they are stored as float16.</param>
    public void Write(Register pointer, Register start, Register[] values, bool areHalves)
    {
        int bytes = areHalves ? sizeof(ushort) : sizeof(float);
        Register place = _writer.Address(pointer, _writer.Add(start, _first), bytes);
        for (int i = 0; i < _vectors; i++)
        {
            _writer.StoreVector(
                PredicateOf(i), PlaceOf(place, i, bytes), values.AsSpan(i * _atOnce, _atOnce), areHalves);
        }
    }

    /// <summary>Writes levels.</summary>
    /// <param name="pointer">The address of all rows.</param>
    /// <param name="start">The levels before the row.</param>
    /// <param name="levels">The columns of a lane.</param>
    public void WriteLevels(Register pointer, Register start, Register[] levels)
    {
        Register place = _writer.Address(pointer, _writer.Add(start, _first), 1);
        for (int i = 0; i < _vectors; i++)
            _writer.StoreLevels(PredicateOf(i), PlaceOf(place, i, 1), levels.AsSpan(i * _atOnce, _atOnce));
    }

    /// <summary>The values with zeros where a lane has no column.</summary>
    public Register[] Clear(Register[] values)
    {
        if (_hasLast is not { } hasLast)
            return values;
        Register[] last = values[^_atOnce..];
        return
        [
            .. values[..^_atOnce],
            .. last.Select(value => _writer.Emit(RegisterKind.Float, "selp.f32", value, 0f, hasLast)),
        ];
    }

    private Register? PredicateOf(int vector) => vector == _vectors - 1 ? _hasLast : null;

    private Operand PlaceOf(Register place, int vector, int bytes) =>
        Operand.At(place, vector * _atOnce * PtxWriter.WarpSize * bytes);
}
