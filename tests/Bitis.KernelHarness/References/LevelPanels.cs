using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.KernelHarness.References;

/// <summary>Levels in panels, one value after the other, as <see cref="PackLevels"/> promises them.</summary>
/// <param name="PanelColumns">The columns of a panel.</param>
/// <param name="PaddedColumns">The columns of all panels.</param>
/// <param name="MaxLevel">The largest level.</param>
/// <param name="Rounding">How values become levels.</param>
/// <param name="ZeroPoint">What is added to each level.</param>
/// <param name="Key">The key of the random numbers.</param>
internal sealed record LevelPanels(
    int PanelColumns, int PaddedColumns, int MaxLevel, LevelRounding Rounding, int ZeroPoint, uint Key)
{
    /// <summary>The level of a value that has been divided by its scale.</summary>
    public int Level(float value, int row, int column, int columns)
    {
        float level = Rounding switch
        {
            LevelRounding.Nearest => MathF.Round(value),
            LevelRounding.Stochastic => MathF.Floor(value + (Random(row, column, columns) * CounterRandom.HalfUnit)),
            _ => StochasticRounding.ToPower(value, Key, (uint)((row * columns) + column)),
        };
        return (int)Math.Clamp(level, -MaxLevel, MaxLevel);
    }

    /// <summary>The bytes of all panels, and the sum of each column's levels.</summary>
    public (byte[] Panels, int[] Sums) Pack(
        float[] values, int rows, int columns, float[] inverseScales, float[]? centers = null)
    {
        int paddedRows = (rows + 3) / 4 * 4;
        var panels = new byte[paddedRows * PaddedColumns];
        var sums = new int[columns];
        for (int c = 0; c < columns; c++)
        {
            int start = c / PanelColumns * PanelColumns, width = Math.Min(PanelColumns, PaddedColumns - start);
            for (int row = 0; row < paddedRows; row++)
            {
                float center = centers?[c] ?? 0, value = row < rows ? values[(row * columns) + c] - center : 0;
                value *= inverseScales[c];
                int level = row < rows ? Level(value, row, c, columns) : 0;
                int group = (start * paddedRows) + (row / 4 * width * 4);
                panels[group + ((c - start) * 4) + (row % 4)] = (byte)(level + ZeroPoint);
                sums[c] += level;
            }
        }
        return (panels, sums);
    }

    /// <summary>Two rows share a counter.</summary>
    private float Random(int row, int column, int columns)
    {
        (float first, float second) = CounterRandom.Halves(Key, (uint)((row / 2 * 2 * columns) + column));
        return row % 2 == 0 ? first : second;
    }
}
