using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Hadamard;

namespace Bitis.KernelHarness.Cases;

/// <summary>The Hadamard transform along the tokens: blocks of 16 of them, of which some results are kept.</summary>
internal sealed unsafe record TokenHadamardCase(int Tokens, int Columns)
    : KernelCaseOfTable<CallKernel<TokenHadamardCall>>(TokenHadamard.Table)
{
    private const int Block = 16;

    public bool Transforms { get; init; } = true;

    /// <summary>The results of each block that are kept.</summary>
    internal byte[] Kept { get; init; } = [0, 2, 4, 6, 8, 10, 12, 14];

    public float Factor { get; init; } = 0.25f;

    /// <summary>Whether all rows are single and only read: for their largest magnitudes, and sums of columns.</summary>
    public bool SumsOnly { get; init; }

    internal override string Variant => SumsOnly ? "sums" : Transforms ? "" : "without transform";

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    private int Blocks => SumsOnly ? 0 : Tokens / Block;

    private float[] X => Spoiled(Sample.Floats(Columns, Tokens * Columns));

    /// <summary>Whole blocks in any order; two of the rows do not exist.</summary>
    private int[] BlockRows => [.. Enumerable.Range(0, Blocks * Block).Select(i => i % 15 == 6 ? -1 : i * 7 % Tokens)];

    /// <summary>The tokens after the last block.</summary>
    private int[] SingleRows => [.. Enumerable.Range(Blocks * Block, Tokens - (Blocks * Block)).Append(-1)];

    /// <summary>What the sums hold before the run.</summary>
    private float[] Sums => Sample.Floats(1, Columns);

    private int TargetRows => (Blocks * Kept.Length) + SingleRows.Length;

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, expected = new float[TargetRows * Columns], maxima = new float[Columns];
        int[] blockRows = BlockRows, singleRows = SingleRows;
        for (int c = 0; c < Columns; c++)
        {
            for (int block = 0; block < Blocks; block++)
            {
                float[] values = [.. blockRows.Skip(block * Block).Take(Block).Select(row => Value(row, c))];
                float[] transformed = WalshHadamard.Transform(values, Transforms ? Block : 1);
                for (int k = 0; k < Kept.Length; k++)
                    expected[(((block * Kept.Length) + k) * Columns) + c] = transformed[Kept[k]] * Factor;
            }
            for (int single = 0; single < singleRows.Length; single++)
                expected[(((Blocks * Kept.Length) + single) * Columns) + c] = Value(singleRows[single], c);
            for (int row = 0; row < TargetRows; row++)
                maxima[c] = Math.Max(maxima[c], Math.Abs(expected[(row * Columns) + c]));
        }
        if (!SumsOnly)
            return [Expectation.Exact(expected), Expectation.Exact(maxima)];
        float[] sums = Sums;
        for (int i = 0; i < expected.Length; i++)
            sums[i % Columns] += expected[i];
        return [Expectation.Exact(sums), Expectation.Exact(maxima)];

        float Value(int row, int column) => row < 0 ? 0 : x[(row * Columns) + column];
    }

    private protected override Action<CallKernel<TokenHadamardCall>> CreateRun()
    {
        var call = new TokenHadamardCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Columns = Columns,
            BlockRows = Input<int>(BlockRows).Pointer,
            Blocks = Blocks,
            Transforms = Transforms,
            Kept = Input<byte>(Kept).Pointer,
            Rank = Kept.Length,
            Factor = Factor,
            SingleRows = Input<int>(SingleRows).Pointer,
            Singles = SingleRows.Length,
            Target = SumsOnly ? null : Output<float>(TargetRows * Columns).Pointer,
            TargetStride = Columns,
            Sums = SumsOnly ? Output(Sums).Pointer : null,
            Maxima = Output<float>(Columns).Pointer,
        };
        return kernel => kernel.Run(in call);
    }
}
