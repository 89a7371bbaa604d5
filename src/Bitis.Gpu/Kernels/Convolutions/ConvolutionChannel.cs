using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>What a convolution along the tokens needs of a channel of one direction, and what it computes.</summary>
/// <param name="Taps">The weights.</param>
/// <param name="Bias">The bias.</param>
/// <param name="Quantizer">Of a quantized layer: its levels; null for floats.</param>
/// <param name="Scan">Of levels that the scan reads: what they are; else null.</param>
/// <param name="LevelFactor">The factor before the levels of the projection; null for none.</param>
internal sealed record ConvolutionChannel(
    Register[] Taps, Register Bias, ChannelQuantizer? Quantizer, ScanQuantizer? Scan, Register? LevelFactor)
{
    /// <summary>Reads what neighbouring channels need.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="channels">How many channels there are.</param>
    /// <param name="rows">How many taps there are.</param>
    /// <param name="tables">Where it lies.</param>
    /// <param name="place">The first channel's place in tables with a number of rows for each direction.</param>
    /// <param name="count">How many channels: one, or two of which the first is even.</param>
    public static ConvolutionChannel[] Read(
        PtxWriter w, int channels, int rows, Tables tables, Func<int, Register> place, int count = 1)
    {
        Register[][] taps = ReadRows(tables.Weights, rows);
        Register[][] biases = ReadRows(tables.Biases, 1);
        Register[][] quantizers = tables.InputQuantizers is { } input ? ReadRows(input, 4) : [];
        Register[][] scan = tables.ScanQuantizers is { } scales ? ReadRows(scales, 3) : [];
        Register[][] factors = tables.LevelFactors is { } levels ? ReadRows(levels, 1) : [];
        return [.. Enumerable.Range(0, count).Select(i => new ConvolutionChannel(
            [.. taps.Select(row => row[i])],
            biases[0][i],
            quantizers.Length == 0
                ? null
                : new ChannelQuantizer(quantizers[0][i], quantizers[1][i], quantizers[2][i], quantizers[3][i]),
            scan.Length == 0 ? null : new ScanQuantizer(scan[0][i], scan[1][i], scan[2][i]),
            factors.Length == 0 ? null : factors[0][i]))];

        Register[][] ReadRows(Register table, int rowsOfDirection)
        {
            Register first = w.Address(table, place(rowsOfDirection), sizeof(float));
            return [.. Enumerable.Range(0, rowsOfDirection).Select(
                row => w.LoadConstants(first, row * channels * sizeof(float), count))];
        }
    }

    /// <summary>Makes floats of the input what the taps multiply.</summary>
    public Register[] Prepare(PtxWriter w, Register[] values) => Quantizer is { } grid
        ? [.. values.Select(value => grid.Center(w, value))]
        : values;

    /// <summary>The output of a token.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="values">The values that the taps meet, in their order.</param>
    /// <param name="hasSilu">Whether it is SiLU of the sum.</param>
    public Register Output(PtxWriter w, IEnumerable<Register> values, bool hasSilu = true)
    {
        Register sum = Quantizer is null ? Bias : w.Float(0);
        foreach ((Register value, Register tap) in values.Zip(Taps))
            sum = w.MultiplyAdd(tap, value, sum);
        if (Quantizer is not null)
            sum = Quantizer.Scale(w, sum, Bias);
        return hasSilu ? w.Silu(sum) : sum;
    }

    /// <summary>The addresses of the parameters, of all directions each.</summary>
    /// <param name="Weights">Rows of taps.</param>
    /// <param name="Biases">Biases.</param>
    /// <param name="InputQuantizers">Four rows of levels; null for floats.</param>
    /// <param name="ScanQuantizers">Three rows of levels that the scan reads; null for none.</param>
    /// <param name="LevelFactors">Factors before levels; null for none.</param>
    internal sealed record Tables(
        Register Weights, Register Biases, Register? InputQuantizers, Register? ScanQuantizers, Register? LevelFactors);
}
