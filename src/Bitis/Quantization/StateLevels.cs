namespace Bitis.Quantization;

/// <summary>
/// The levels of B or C as a scan's integers take them: a level times an integer of its state, so that states may have scales whose
/// ratios are those of the integers.
/// </summary>
internal sealed class StateLevels
{
    private readonly StateQuantizer _grid;

    /// <summary>Finds the integers.</summary>
    /// <param name="grid">The grid, with the scales that are wished for.</param>
    /// <param name="weights">What a level of each state counts in the integers' units, up to a common factor.</param>
    /// <param name="largest">The largest integer.</param>
    public StateLevels(StateQuantizer grid, double[] weights, int largest)
    {
        _grid = grid;
        double most = weights.Max();
        Unit = most / largest;
        Multiples = Array.ConvertAll(weights, weight => Math.Max(1, (int)Math.Round(weight / Unit)));
        Units = [.. Multiples.Select((multiple, n) => (float)(multiple * Unit * grid.StateScale(n) / weights[n]))];
        InverseUnits = Array.ConvertAll(Units, unit => 1 / unit);
    }

    /// <summary>The weight of an integer of 1.</summary>
    public double Unit { get; }

    /// <summary>The integer that a level of each state is multiplied by.</summary>
    public int[] Multiples { get; }

    /// <summary>The scale of each state, with ratios that integers have: what a level stands for is this times the token's scale.</summary>
    public float[] Units { get; }

    /// <summary>The reciprocals of <see cref="Units"/>, in float32.</summary>
    public float[] InverseUnits { get; }

    /// <summary>The level of a value.</summary>
    public int Quantize(float value, int token, int state) =>
        (int)Math.Clamp(MathF.Round(value * (1 / _grid.TokenScale(token)) * InverseUnits[state]), -_grid.MaxLevel, _grid.MaxLevel);

    /// <summary>The value of a level.</summary>
    public float Dequantize(int level, int token, int state) => level * _grid.TokenScale(token) * Units[state];
}
