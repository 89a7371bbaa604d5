using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Steps;
using Bitis.Gpu.Ptx;
using Bitis.Kernels.Scan;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Scans in integers have the bits of the CPU's.</summary>
public sealed class LevelScanTests
{
    public static TheoryData<string, int, int, int, int, int> Shapes()
    {
        var data = new TheoryData<string, int, int, int, int, int>();
        (int Tokens, int Channels, int States, int Groups, int HiddenBits)[] shapes =
            [(37, 40, 16, 3, 8), (1, 1, 4, 1, 16), (20, 70, 8, 1, 6), (16, 16, 16, 16, 8)];
        foreach (GpuKernelRow<ScanShape> row in ScanKernels.Table.Rows)
        {
            foreach ((int tokens, int channels, int states, int groups, int hiddenBits) in shapes)
                data.Add(row.Name, tokens, channels, states, groups, hiddenBits);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Bits_are_those_of_the_CPU(
        string kernel, int tokens, int channels, int states, int groups, int hiddenBits)
    {
        const float Gate = 64; // Its SiLU is 64 exactly, so the product with it loses nothing.
        const int Images = 2;
        var random = new Random(tokens);
        float[] Values(int count, float low, float high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + (random.NextSingle() * (high - low)))];
        IntegerScanTables[] tables = [.. Enumerable.Range(0, 2).Select(
            _ => Tables(random, Values, tokens, channels, states, groups, hiddenBits))];
        var shape = new ScanShape(tokens, channels, states, Rank: 1)
        {
            Levels = ScanConstants.ShapeOf(tables[0]),
        };
        int rows = Images * tokens;
        float[][] u = [Values(rows * channels, -1, 1), Values(rows * channels, -1, 1)];
        float[][] parameters =
            [Values(rows * shape.ParameterStride, -1.5f, 1.5f), Values(rows * shape.ParameterStride, -1.5f, 1.5f)];
        u[0][0] = float.NaN;
        u[1][channels / 2] = float.PositiveInfinity;
        float[] deltaWeights = Values(2 * channels, 1, 4);

        GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows.Single(row => row.Name == kernel);
        float[] results = Run(areLevels: false);

        float[] expected = new float[results.Length];
        for (int direction = 0; direction < 2; direction++)
            Scan(tables[direction], shape, Images, direction, u, parameters, deltaWeights, expected);
        Assert.Equal(expected.Select(y => y * Gate), results);
        Assert.Equal(results, Run(areLevels: true)); // of what a convolution has quantized before

        float[] Run(bool areLevels)
        {
            ScanShape shapeOfRun = shape with { ReadsLevels = areLevels };
            using var device = new EmulatedDevice(PtxTarget.Sm80);
            using GpuFunction function = device.Load(row.Emit(shapeOfRun, PtxTarget.Sm80));
            GpuBuffer output = device.Allocate(rows * channels * sizeof(float));
            byte[] levels = [.. u.SelectMany((values, direction) => Levels(values, tables[direction], shapeOfRun))];
            var operands = new ScanOperands
            {
                Images = Images,
                Input = areLevels ? device.Upload<byte>(levels) : device.Upload<float>([.. u[0], .. u[1]]),
                InputOffset = areLevels ? levels.Length / 2 : u[0].Length,
                Parameters = device.Upload<float>([.. parameters[0], .. parameters[1]]),
                ParameterOffset = parameters[0].Length,
                DeltaWeights = device.Upload<float>(deltaWeights),
                DeltaBiases = device.Upload<float>(new float[2 * channels]),
                States = ScanConstants.ConstantsOf(
                    tables, tokens, x => device.Upload<float>(x), x => device.Upload<int>(x)),
                Gate = device.Upload<float>([.. Enumerable.Repeat(Gate, rows * channels)]),
                Output = output,
            };
            using GpuGraph graph = device.Record([operands.Launch(function, row, shapeOfRun)]);
            graph.Run();
            var y = new float[rows * channels];
            output.Read(y.AsSpan());
            return y;
        }
    }

    /// <summary>In orders of their own, with steps that have no row.</summary>
    [Fact]
    public void Levels_of_u_give_the_same_bits_in_any_order()
    {
        const int Images = 2, Directions = 4, Steps = 20, Rows = 17, Channels = 40, States = 8;
        var random = new Random(8);
        var orders = new RandomValues(9);
        float[] Values(int count, float low, float high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + (random.NextSingle() * (high - low)))];
        IntegerScanTables first = Tables(random, Values, Steps, Channels, States, groups: 2, hiddenBits: 8);
        IntegerScanTables[] tables = [.. Enumerable.Range(0, Directions).Select(_ => first)];
        var shape = new ScanShape(Steps, Channels, States, Rank: 1)
        {
            Levels = ScanConstants.ShapeOf(first),
            Arrangement = new ScanArrangement(Directions, Rows, Rows),
            HasGate = false,
        };
        float[] u = Values(Images * Rows * Channels, -1, 1), weights = Values(Directions * Channels, 1, 4);
        float[] parameters = Values(Directions * Images * Rows * shape.ParameterStride, -1.5f, 1.5f);
        int[] rows = [.. Enumerable.Range(0, Directions).SelectMany(_ => orders.Rows(Steps, Rows))];
        int[] targets = [.. Enumerable.Range(0, Directions).SelectMany(_ => orders.Rows(Steps, Rows))];
        foreach (GpuKernelRow<ScanShape> row in ScanKernels.Table.Rows)
            Assert.Equal(Run(row, shape), Run(row, shape with { ReadsLevels = true }));

        float[] Run(GpuKernelRow<ScanShape> row, ScanShape ofRun)
        {
            using EmulatedDevice device = KernelRun.Device();
            Assert.True(row.Fits(ofRun));
            using GpuFunction function = device.Load(row.Emit(ofRun, PtxTarget.Sm80));
            GpuBuffer output = device.Allocate(Directions * Images * Rows * Channels * sizeof(float));
            var operands = new ScanOperands
            {
                Images = Images,
                Input = ofRun.ReadsLevels
                    ? device.Upload<byte>(Levels(u, first, ofRun))
                    : device.Upload<float>(u),
                InputOffset = 0,
                Parameters = device.Upload<float>(parameters),
                ParameterOffset = Images * Rows * shape.ParameterStride,
                Rows = device.Upload<int>(rows),
                Targets = device.Upload<int>(targets),
                OutputOffset = Images * Rows * Channels,
                DeltaWeights = device.Upload<float>(weights),
                DeltaBiases = device.Upload<float>(new float[Directions * Channels]),
                States = ScanConstants.ConstantsOf(
                    tables, Steps, x => device.Upload<float>(x), x => device.Upload<int>(x)),
                Output = output,
            };
            using GpuGraph graph = device.Record([operands.Launch(function, row, ofRun)]);
            graph.Run();
            var y = new float[Directions * Images * Rows * Channels];
            output.Read(y.AsSpan());
            return y;
        }
    }

    /// <summary>The levels of u, from 0 on, in padded rows.</summary>
    private static byte[] Levels(float[] u, IntegerScanTables tables, ScanShape shape)
    {
        var levels = new byte[u.Length / shape.Channels * shape.InputStride];
        for (int i = 0; i < u.Length && shape.ReadsLevels; i++)
        {
            (int row, int channel) = Math.DivRem(i, shape.Channels);
            float rounded = MathF.Round(u[i] * tables.UInverses[channel]), low = tables.ULows[channel];
            float level = float.IsNaN(rounded) ? low : Math.Clamp(rounded, low, tables.UHighs[channel]);
            levels[(row * shape.InputStride) + channel] = (byte)(level - low);
        }
        return levels;
    }

    /// <summary>One direction on the CPU; the backward one adds to the forward one.</summary>
    private static unsafe void Scan(
        IntegerScanTables tables, ScanShape shape, int images, int direction, float[][] u, float[][] parameters,
        float[] deltaWeights, float[] y)
    {
        using var packed = new PackedScan(tables);
        int channels = shape.Channels;
        float[] delta = new float[y.Length];
        for (int i = 0; i < delta.Length; i++)
        {
            (int token, int channel) = Math.DivRem(i, channels);
            delta[i] = parameters[direction][token * shape.ParameterStride]
                * deltaWeights[(direction * channels) + channel];
        }
        fixed (float* pu = u[direction], pd = delta, pp = parameters[direction], py = y)
        {
            for (int image = 0; image < images; image++)
            {
                int start = image * shape.Tokens;
                var call = new IntegerScanCall
                {
                    Scan = packed,
                    Tokens = shape.Tokens,
                    Reverse = direction == 1,
                    U = pu + (start * channels),
                    UStride = channels,
                    Delta = pd + (start * channels),
                    DeltaStride = channels,
                    B = pp + (start * shape.ParameterStride) + 1,
                    BStride = shape.ParameterStride,
                    C = pp + (start * shape.ParameterStride) + 1 + shape.States,
                    CStride = shape.ParameterStride,
                    Y = py + (start * channels),
                    YStride = channels,
                    Accumulate = direction == 1,
                };
                IntegerScan.Run(in call, 0, channels);
            }
        }
    }

    private static IntegerScanTables Tables(
        Random random, Func<int, float, float, float[]> values, int tokens, int channels, int states, int groups,
        int hiddenBits)
    {
        const int MaxLevel = 200;
        float[] bScales = values(tokens, 0.005f, 0.01f), cScales = values(tokens, 0.005f, 0.01f);
        float[] lows = [.. Enumerable.Range(0, channels).Select(_ => (float)-random.Next(256))];
        int[] levels = [.. Enumerable.Range(0, MaxLevel + 1)];
        return new IntegerScanTables
        {
            Channels = channels,
            States = states,
            RateCodes = [.. Enumerable.Range(0, channels * states).Select(_ => (sbyte)random.Next(40, 128))],
            Decays = [.. Enumerable.Range(0, LevelStates.Decays).Select(
                code => (short)Math.Min(32767, 32768 * Math.Pow(2, -Math.Pow(2, (code - 96) / 8.0))))],
            Delta = new DeltaLevels(IsBeforeSoftplus: true, -4, 0.04f, 1 / 0.04f, MaxLevel),
            DeltaMultiples = [.. levels.Select(level => (short)(1 + (level * 7)))],
            DeltaValues = [.. levels.Select(level => (1 + (level * 7)) * 0.001f)],
            DeltaCodes = [.. levels.Select(level => (sbyte)((level / 3) - 60))],
            UInverses = values(channels, 100, 200),
            ULows = lows,
            UHighs = [.. lows.Select(low => low + 255)],
            Skips = values(channels, -0.01f, 0.01f),
            BScales = bScales,
            BInverses = [.. bScales.Select(scale => 1 / scale)],
            CScales = cScales,
            CInverses = [.. cScales.Select(scale => 1 / scale)],
            BBits = 8,
            BMaxLevel = 127,
            CMaxLevel = 127,
            HiddenBits = hiddenBits,
            Groups = [.. Enumerable.Range(0, tokens).Select(t => t * groups / tokens)],
            Rescales = values(groups, 0.5f, 2),
            HiddenScales = values(groups * channels, 0.001f, 0.01f),
            InputFactors = values(groups * channels, 0.5f, 20),
            OutputFactors = values(groups * channels, 0.001f, 0.01f),
            Offsets = [.. Enumerable.Range(0, tokens * ((states + 1) / 2) * 2).Select(
                _ => (short)random.Next(1 << (16 - hiddenBits)))],
        };
    }
}
