using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;

namespace Bitis.KernelHarness.Cases;

/// <summary>Sums of products of levels to values, or to levels of the next layer.</summary>
internal sealed unsafe record FinishSumsCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<FinishSumsCall>>(FinishSums.Table)
{
    private const int Gap = 3, ZeroPoint = 97, LevelOfZero = 40, MaxLevel = 255;
    private const float Scale = 0.013f, InverseScale = 0.37f;

    /// <summary>Whether negative values become 0.</summary>
    public bool Rectify { get; init; }

    /// <summary>Whether the results are levels.</summary>
    public bool ToLevels { get; init; }

    internal override string Variant => (Rectify ? "rectified" : "") + (ToLevels ? " to levels" : "");

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool ExpectsExtremes => true;

    private int Stride => Columns + Gap;

    private int Length => NumberArrays.PaddedLength(Tokens, Stride, Columns);

    private int[] Sums => [.. Sample.Floats(1, Length, -40000f, 40000f).Select(value => (int)value)];

    private int[] ColumnSums => [.. Sample.Floats(2, Columns, -300f, 300f).Select(value => (int)value)];

    private float[] Scales => Spoiled(Sample.Floats(3, Columns, 0.001f, 0.1f));

    private float[] Bias => Spoiled(Sample.Floats(4, Columns));

    internal override IReadOnlyList<Expectation> Expected()
    {
        int[] sums = Sums, columnSums = ColumnSums;
        float[] scales = Scales, bias = Bias, values = new float[Length];
        byte[] levels = new byte[Length];
        for (int i = 0; i < Length; i++)
        {
            int column = i % Stride;
            if (column >= Columns)
                continue; // what lies between the rows stays as it is
            float product = (sums[i] - (ZeroPoint * columnSums[column])) * (Scale * scales[column]);
            float y = product + bias[column];
            if (Rectify && y < 0)
                y = 0;
            float level = MathF.Round(y * InverseScale) + LevelOfZero;
            values[i] = y;
            levels[i] = float.IsNaN(level) ? (byte)0 : (byte)Math.Clamp(level, 0f, MaxLevel);
        }
        return [ToLevels ? Expectation.Exact(levels) : Expectation.Exact(values)];
    }

    private protected override Action<RangeKernel<FinishSumsCall>> CreateRun()
    {
        var call = new FinishSumsCall
        {
            Sums = Input<int>(Sums).Pointer,
            SumsStride = Stride,
            Columns = Columns,
            ColumnSums = Input<int>(ColumnSums).Pointer,
            ZeroPoint = ZeroPoint,
            Scale = Scale,
            Scales = Input<float>(Scales).Pointer,
            Bias = Input<float>(Bias).Pointer,
            Rectify = Rectify,
            Values = ToLevels ? null : Output<float>(Length).Pointer,
            Levels = ToLevels ? Output<byte>(Length).Pointer : null,
            TargetStride = Stride,
            InverseScale = InverseScale,
            LevelOfZero = LevelOfZero,
            MaxLevel = MaxLevel,
        };
        return kernel => kernel.Run(in call, 0, Tokens);
    }
}
