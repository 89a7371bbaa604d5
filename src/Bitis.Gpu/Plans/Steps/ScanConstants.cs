using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Kernels.Scan;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The constants of a block's scans, as kernels read them.</summary>
/// <param name="DeltaWeights">The projections to Δ.</param>
/// <param name="DeltaBiases">Their biases.</param>
/// <param name="DeltaLevels">What quantized projections to Δ need; null for float32.</param>
/// <param name="States">What the recurrence needs.</param>
internal sealed record ScanConstants(
    GpuBuffer DeltaWeights, GpuBuffer DeltaBiases, LevelDeltaOperands? DeltaLevels, IReadOnlyList<GpuBuffer> States)
{
    /// <summary>A shape with the levels of all directions.</summary>
    /// <exception cref="BitisException">The directions differ in them.</exception>
    public static ScanShape WithLevels(GpuPlanBuilder plan, ScanBranch[] branches, int steps, ScanShape shape)
    {
        QuantizedLayer?[] deltas = [.. branches.Select(branch => plan.LayerOf(branch.Delta))];
        for (int i = 1; i < branches.Length; i++)
        {
            bool isSame = deltas[i] is null == deltas[0] is null
                && (deltas[i] is null || TokenScales.ShapeOf(deltas[i]!) == TokenScales.ShapeOf(deltas[0]!));
            if (!isSame)
                throw Refusal(branches[i].Delta);
        }
        IntegerScanTables[] tables = TablesOf(plan, branches);
        StateLevelShape[] levels = [.. tables.Select(ShapeOf)];
        int other = Array.FindIndex(levels, level => level != levels[0]);
        return other >= 0
            ? throw Refusal(branches[other].Scan.Scan)
            : shape with
            {
                DeltaLevels = deltas[0] is null ? null : TokenScales.ShapeOf(deltas[0]!),
                Levels = levels.FirstOrDefault(),
            };
    }

    /// <summary>What the text of a scan in integers depends on.</summary>
    public static StateLevelShape ShapeOf(IntegerScanTables scan) => new(
        scan.Rescales.Length, scan.Delta.IsBeforeSoftplus, scan.Delta.MaxLevel, 16 - scan.BBits, scan.BMaxLevel,
        scan.CMaxLevel, scan.HiddenShift);

    /// <summary>Copies the constants of directions to the device.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="branches">The directions.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="tokens">Which token each position of a direction has; null for the same one.</param>
    public static ScanConstants Of(
        GpuPlanBuilder plan, ScanBranch[] branches, ScanShape shape, IReadOnlyList<RowTokens>? tokens = null)
    {
        IntegerScanTables[] tables = TablesOf(plan, branches);
        IReadOnlyList<GpuBuffer> states = tables.Length > 0
            ? ConstantsOf(tables, shape.Tokens, x => plan.Constant<float>(x), x => plan.Constant<int>(x))
            : [
                plan.Constant<float>([.. branches.SelectMany(branch => Rates(plan.Parameter(branch.Scan.Scan, 0)))]),
                All(branch => plan.Parameter(branch.Scan.Scan, 1)),
            ];
        GpuBuffer biases = All(branch => plan.Parameter(branch.Delta, 1));
        if (shape.DeltaLevels is null)
            return new ScanConstants(All(branch => plan.Parameter(branch.Delta, 0)), biases, null, states);
        QuantizedLayer[] layers = [.. branches.Select(branch => plan.LayerOf(branch.Delta)!)];
        (sbyte[] Rows, int[] Sums)[] packed = [.. layers.Select(
            layer => ProductSteps.Pack(layer, shape.Channels, shape.Rank, shape.DeltaBytes))];
        TokenScales scales = TokenScales.Of(
            plan, shape.Tokens, 1,
            [.. layers.Select((layer, i) => (layer, tokens is null ? RowTokens.Natural : tokens[i]))]);
        var levels = new LevelDeltaOperands(
            plan.Constant<float>([.. layers.SelectMany(layer => layer.Weight!.Scales.ToArray())]),
            plan.Constant<int>([.. packed.SelectMany(layer => layer.Sums)]), scales.Scales, scales.InverseScales,
            scales.ZeroPoints, scales.Factors);
        GpuBuffer weights = plan.Constant<sbyte>([.. packed.SelectMany(layer => layer.Rows)]);
        return new ScanConstants(weights, biases, levels, states);

        GpuBuffer All(Func<ScanBranch, FloatTensor> parameter) =>
            plan.Constant<float>([.. branches.SelectMany(branch => parameter(branch).Span.ToArray())]);
    }

    /// <summary>How u becomes the levels of scans in integers, <c>[directions, 3, channels]</c>.</summary>
    public static float[] InputQuantizers(GpuPlanBuilder plan, ScanBranch[] branches) =>
        [.. TablesOf(plan, branches).SelectMany(scan => (float[])[.. scan.UInverses, .. scan.ULows, .. scan.UHighs])];

    /// <summary>The operands of <see cref="LevelStates"/>, in the order of its parameters.</summary>
    /// <param name="scans">All directions.</param>
    /// <param name="steps">The steps of a direction; shorter ones are filled up with their last one.</param>
    /// <param name="floats">Copies floats to the device.</param>
    /// <param name="integers">Copies integers to the device.</param>
    public static GpuBuffer[] ConstantsOf(
        IntegerScanTables[] scans, int steps, Func<float[], GpuBuffer> floats, Func<int[], GpuBuffer> integers)
    {
        int states = scans[0].States, pairs = (states + 1) / 2;
        int groups = scans[0].Rescales.Length, channels = scans[0].Channels;
        return
        [
            Floats(scan => [scan.Delta.Lowest, scan.Delta.InverseScale]),
            Integers(TableOf),
            Integers(scan => scan.RateCodes.Select(code => (int)code)),
            Floats(scan => Enumerable.Range(0, channels).SelectMany(
                e => (float[])[scan.UInverses[e], scan.ULows[e], scan.UHighs[e], scan.Skips[e]])),
            Floats(scan => Enumerable.Range(0, groups * channels).SelectMany(
                i => (float[])[scan.InputFactors[i], scan.OutputFactors[i]])),
            Floats(scan => Steps(scan).SelectMany(
                t => (float[])[scan.BScales[t], scan.BInverses[t], scan.CScales[t], scan.CInverses[t]])),
            Integers(scan => Steps(scan).Select(t => scan.Groups[t])),
            Floats(scan => scan.Rescales),
            Integers(scan => Steps(scan).SelectMany(t => Enumerable.Range(0, states).Select(
                n => (int)scan.Offsets[(t * 2 * pairs) + n]))),
        ];

        IEnumerable<int> Steps(IntegerScanTables scan) =>
            Enumerable.Range(0, steps).Select(step => Math.Min(step, scan.Groups.Length - 1));

        GpuBuffer Floats(Func<IntegerScanTables, IEnumerable<float>> values) =>
            floats([.. scans.SelectMany(values)]);

        GpuBuffer Integers(Func<IntegerScanTables, IEnumerable<int>> values) =>
            integers([.. scans.SelectMany(values)]);
    }

    /// <summary>The constants of scans in integers; empty for float32.</summary>
    /// <exception cref="BitisException">One direction only is quantized.</exception>
    private static IntegerScanTables[] TablesOf(GpuPlanBuilder plan, ScanBranch[] branches)
    {
        QuantizedScan?[] scans = [.. branches.Select(branch => plan.ScanOf(branch.Scan.Scan))];
        int other = Array.FindIndex(scans, scan => scan is null != scans[0] is null);
        if (other >= 0)
            throw Refusal(branches[other].Scan.Scan);
        return scans[0] is null
            ? []
            : [.. branches.Zip(scans, (branch, scan) => scan!.TablesFor(
                plan.Parameter(branch.Scan.Scan, 1), branch.Steps))];
    }

    /// <summary>Ā by code, then the multiple and the code of each level of Δ.</summary>
    private static IEnumerable<int> TableOf(IntegerScanTables scan)
    {
        IEnumerable<int> deltas = Enumerable.Range(0, LevelStates.Deltas).SelectMany(
            level => level < scan.DeltaMultiples.Count
                ? (int[])[scan.DeltaMultiples[level], scan.DeltaCodes[level]]
                : [0, 0]);
        return [.. scan.Decays.Select(decay => (int)decay), .. deltas];
    }

    /// <summary>A·log₂ e, so that the decay is a power of two.</summary>
    private static float[] Rates(FloatTensor logarithms) =>
        [.. logarithms.Span.ToArray().Select(value => (float)(-Math.Exp(value) * Math.Log2(Math.E)))];

    private static BitisException Refusal(Node node) =>
        GpuPlanBuilder.Missing(node, " with other levels than the first direction");
}
