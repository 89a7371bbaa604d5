using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.KernelHarness.Cases;

/// <summary>Rows to levels, in the Hadamard basis or as they are.</summary>
internal sealed unsafe record HadamardRowsCase(int Tokens, int Columns)
    : KernelCaseOfTable<HadamardRowsKernel>(HadamardRows.Table)
{
    private const uint Key = 77;

    public bool Transforms { get; init; } = true;

    public LevelRounding Rounding { get; init; } = LevelRounding.Stochastic;

    /// <summary>The range of levels as a part of the largest magnitude; at 1 both steps are one call.</summary>
    public float Range { get; init; } = 1;

    /// <summary>Whether all transformed rows are kept; if not, each overwrites the one before.</summary>
    public bool KeepsRows { get; init; } = true;

    internal override string Variant =>
        $"{Rounding.ToString().ToLowerInvariant()}{(Transforms ? "" : " without transform")}";

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    private int MaxLevel => Rounding == LevelRounding.Logarithmic ? 64 : 7;

    private int Padded => HadamardRows.Padded(Columns);

    private float[] X => Spoiled(Sample.Floats(Columns, Tokens * Columns));

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, largest = new float[Tokens], transformed = new float[KeepsRows ? Tokens * Padded : Padded];
        var levels = new byte[Tokens * Padded];
        for (int row = 0; row < Tokens; row++)
        {
            float[] source = [.. x.AsSpan(row * Columns, Columns), .. new float[Padded - Columns]];
            float[] values = WalshHadamard.Transform(source, Transforms ? HadamardRows.BlockColumns : 1);
            values.CopyTo(transformed, KeepsRows ? row * Padded : 0);
            largest[row] = values.Max(Math.Abs);
            float inverse = Levels.InverseScale(largest[row] * Range, MaxLevel);
            for (int c = 0; c < Padded; c++)
            {
                float level = Round(values[c] * inverse, (uint)((row * Padded) + c), c);
                levels[(row * Padded) + c] = (byte)(Math.Clamp(level, -MaxLevel, MaxLevel) + HadamardRows.ZeroPoint);
            }
        }
        return [Expectation.Exact(levels), Expectation.Exact(largest), Expectation.Exact(transformed)];
    }

    private float Round(float value, uint counter, int column) => Rounding switch
    {
        LevelRounding.Nearest => MathF.Round(value),
        LevelRounding.Stochastic => MathF.Floor(value + (Random(counter, column) * CounterRandom.HalfUnit)),
        _ => StochasticRounding.ToPower(value, Key, counter),
    };

    /// <summary>Two blocks of 16 columns share a counter.</summary>
    private static float Random(uint counter, int column) => column / 16 % 2 == 0
        ? CounterRandom.Halves(Key, counter).First
        : CounterRandom.Halves(Key, counter - 16).Second;

    private protected override Action<HadamardRowsKernel> CreateRun()
    {
        var call = new HadamardRowsCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Columns = Columns,
            Transforms = Transforms,
            Target = Output<byte>(Tokens * Padded).Pointer,
            TargetStride = Padded,
            MaxLevel = MaxLevel,
            Rounding = Rounding,
            Key = Key,
        };
        GuardedBuffer<float> largest = Output<float>(Tokens), range = Scratch<float>(Tokens);
        call.Transformed = Output<float>(KeepsRows ? Tokens * Padded : Padded).Pointer;
        call.TransformedStride = KeepsRows ? Padded : 0;
        if (Range == 1)
            return kernel => kernel.Run(in call, Tokens, largest.Pointer);
        return kernel =>
        {
            kernel.Transform(in call, Tokens, largest.Pointer);
            for (int i = 0; i < Tokens; i++)
                range.Span[i] = largest.Span[i] * Range;
            kernel.Quantize(in call, Tokens, range.Pointer);
        };
    }
}
