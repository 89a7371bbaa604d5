using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Scans;

namespace Bitis.Gpu.Plans;

/// <summary>The constants of scans in integers, as kernels read them.</summary>
internal static class ScanConstants
{
    /// <summary>The constants of both directions; empty for float32.</summary>
    /// <exception cref="BitisException">One direction only is quantized.</exception>
    public static IntegerScanTables[] TablesOf(GpuPlanBuilder plan, VimMixer.Direction[] directions, int tokens)
    {
        QuantizedScan?[] scans = [.. directions.Select(direction => plan.ScanOf(direction.Scan.Scan))];
        if (scans.All(scan => scan is null))
            return [];
        if (scans.Any(scan => scan is null))
            throw Refusal(directions[1].Scan.Scan.Name);
        return
        [
            .. directions.Zip(
                scans, (direction, scan) => scan!.TablesFor(plan.Parameter(direction.Scan.Scan, 1), tokens)),
        ];
    }

    /// <summary>What the kernel's text depends on.</summary>
    /// <exception cref="BitisException">The directions differ in it.</exception>
    public static StateLevelShape ShapeOf(IntegerScanTables[] scans, string name)
    {
        StateLevelShape[] shapes = [.. scans.Select(scan => new StateLevelShape(
            scan.Rescales.Length, scan.Delta.IsBeforeSoftplus, scan.Delta.MaxLevel, 16 - scan.BBits, scan.BMaxLevel,
            scan.CMaxLevel, scan.HiddenShift))];
        return shapes[0] == shapes[1] ? shapes[0] : throw Refusal(name);
    }

    /// <summary>The operands of <see cref="LevelStates"/>, in the order of its parameters.</summary>
    /// <param name="scans">Both directions.</param>
    /// <param name="floats">Copies floats to the device.</param>
    /// <param name="integers">Copies integers to the device.</param>
    public static GpuBuffer[] Constants(
        IntegerScanTables[] scans, Func<float[], GpuBuffer> floats, Func<int[], GpuBuffer> integers)
    {
        int tokens = scans[0].Groups.Length, states = scans[0].States, pairs = (states + 1) / 2;
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
            Floats(scan => Enumerable.Range(0, tokens).SelectMany(
                t => (float[])[scan.BScales[t], scan.BInverses[t], scan.CScales[t], scan.CInverses[t]])),
            Integers(scan => scan.Groups),
            Floats(scan => scan.Rescales),
            Integers(scan => Enumerable.Range(0, tokens * states).Select(
                i => (int)scan.Offsets[(i / states * 2 * pairs) + (i % states)])),
        ];

        GpuBuffer Floats(Func<IntegerScanTables, IEnumerable<float>> values) =>
            floats([.. scans.SelectMany(values)]);

        GpuBuffer Integers(Func<IntegerScanTables, IEnumerable<int>> values) =>
            integers([.. scans.SelectMany(values)]);
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

    private static BitisException Refusal(string name) =>
        new($"The GPU has no kernel for '{name}' with other levels than the forward direction. Run it on the CPU.");
}
