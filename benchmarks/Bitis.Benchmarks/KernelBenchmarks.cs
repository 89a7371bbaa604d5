using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// Every row of the kernel tables that this machine can run, on the shapes of Vision Mamba at 224 pixels: the tables of
/// `bench kernels`. One thread.
/// </summary>
internal static unsafe class KernelBenchmarks
{
    private const int Tokens = 197;

    // K×N of the linear layers: Vim-Tiny's in_proj, out_proj, x_proj and dt_proj, then Vim-Small's.
    private static readonly (int K, int N)[] Layers =
        [(192, 768), (384, 192), (384, 44), (12, 384), (384, 768), (384, 1536), (768, 384)];

    public static void Run()
    {
        string detected = string.Join(", ", InstructionSets.Detected.Select(InstructionSets.NameOf));
        string shapes = string.Join(" | ", Layers.Select(layer => $"{layer.K}×{layer.N}"));
        Console.WriteLine($"instruction sets: {detected}");
        Console.WriteLine();
        Console.WriteLine($"| GMAC/s, {Tokens} tokens, K×N | {shapes} |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---|", Layers.Length))}");
        PrintRates([.. FloatGemm.Table.Runnable], FloatGemmTimes);
        PrintRates([.. FloatGemm.Table.Runnable], TransposedTimes, "transposed");
        PrintRates([.. Int8Gemm.Table.Runnable], (kernels, k, n) => IntegerGemmTimes(kernels, k, n, bits: 8));
        PrintRates([.. Int8Gemm.NibbleTable.Runnable], (kernels, k, n) => IntegerGemmTimes(kernels, k, n, bits: 4));
        Console.WriteLine();
        PrintTokenKernels(channels: 384, states: 16, onlyScans: false);
        Console.WriteLine();
        PrintTokenKernels(channels: 384, states: 1, onlyScans: true); // VMamba's
    }

    // One line per kernel, one column per layer; the kernels take turns on each layer.
    private static void PrintRates<TKernel>(TKernel[] kernels, Func<TKernel[], int, int, double[]> measure, string variant = "")
        where TKernel : Kernel
    {
        double[][] seconds = [.. Layers.Select(layer => measure(kernels, layer.K, layer.N))];
        for (int i = 0; i < kernels.Length; i++)
        {
            IEnumerable<string> rates = Layers.Select(
                (layer, column) => $"{(double)Tokens * layer.K * layer.N / seconds[column][i] / 1e9:F0}");
            Console.WriteLine($"| {kernels[i].Name} {variant} | {string.Join(" | ", rates)} |");
        }
    }

    // The gradient of the weights: tokens along the inner dimension.
    private static double[] TransposedTimes(FloatGemmKernel[] kernels, int k, int n)
    {
        using NativeBuffer<float> x = Floats(Tokens * k), y = Floats(Tokens * n), c = new(n * k, zeroed: true);
        using var scratch = new NativeBuffer<float>(Tokens * kernels.Max(kernel => kernel.Columns));
        return Alternating.Seconds([.. kernels.Select<FloatGemmKernel, Action>(kernel =>
            () => kernel.AddTransposed(y.Pointer, n, x.Pointer, k, Tokens, n, k, c.Pointer, scratch.Pointer))]);
    }

    private static double[] FloatGemmTimes(FloatGemmKernel[] kernels, int k, int n)
    {
        using NativeBuffer<float> a = Floats(Tokens * k), c = Floats(Tokens * n), w = Floats(n * k);
        PackedFloatWeights[] weights = [.. kernels.Select(kernel => new PackedFloatWeights(w.Span, [], n, k, kernel))];
        double[] seconds = Alternating.Seconds([.. weights.Select<PackedFloatWeights, Action>(layer =>
            () => FloatGemm.Run(layer, a.Pointer, k, c.Pointer, n, 0, Tokens, accumulate: false))]);
        foreach (PackedFloatWeights layer in weights)
            layer.Dispose();
        return seconds;
    }

    private static double[] IntegerGemmTimes(Int8GemmKernel[] kernels, int k, int n, int bits)
    {
        using NativeBuffer<float> c = Floats(Tokens * n), scales = Floats(n), tokenScales = Floats(Tokens);
        using NativeBuffer<byte> a = new(Tokens * k), w = new(n * k);
        using NativeBuffer<int> zeros = new(Tokens, zeroed: true);
        new Random(1).NextBytes(a.Span);
        new Random(2).NextBytes(w.Span);
        var signed = new ReadOnlySpan<sbyte>(w.Pointer, w.Length);
        var weights = new List<PackedIntegerWeights>();
        foreach (Int8GemmKernel kernel in kernels)
            weights.Add(new PackedIntegerWeights(signed, scales.Span, [], n, k, bits, kernel));
        double[] seconds = Alternating.Seconds([.. weights.Select<PackedIntegerWeights, Action>(layer => () =>
        {
            var grids = new TokenGrids(tokenScales.Pointer, zeros.Pointer, stride: 1);
            Int8Gemm.Run(layer, a.Pointer, k, in grids, c.Pointer, n, 0, Tokens, accumulate: false);
        })]);
        weights.ForEach(layer => layer.Dispose());
        return seconds;
    }

    // The kernels that touch each value a few times: time per value, and per state update for the scan.
    private static void PrintTokenKernels(int channels, int states, bool onlyScans)
    {
        int count = Tokens * channels;
        using NativeBuffer<float> x = Floats(count), y = Floats(count), z = Floats(count), delta = Floats(count);
        using NativeBuffer<float> a = Floats(states * channels), bc = Floats(Tokens * 2 * states), d = Floats(channels);
        using NativeBuffer<float> taps = Floats(4 * channels);
        using var bytes = new NativeBuffer<byte>(count);
        using var zeros = new NativeBuffer<int>(Tokens, zeroed: true);
        foreach (ref float rate in a.Span)
            rate = -1f - rate;

        var scan = new SelectiveScanCall
        {
            Tokens = Tokens,
            States = states,
            U = x.Pointer,
            UStride = channels,
            Delta = delta.Pointer,
            DeltaStride = channels,
            DeltaSoftplus = true,
            A = a.Pointer,
            AStride = channels,
            B = bc.Pointer,
            BStride = 2 * states,
            C = bc.Pointer + states,
            CStride = 2 * states,
            D = d.Pointer,
            Z = z.Pointer,
            ZStride = channels,
            Y = y.Pointer,
            YStride = channels,
            OutputScale = 1f,
        };
        var conv = new CausalConvCall
        {
            Tokens = Tokens,
            Taps = 4,
            Source = x.Pointer,
            SourceStride = channels,
            Weights = taps.Pointer,
            WeightStride = channels,
            Bias = d.Pointer,
            Target = y.Pointer,
            TargetStride = channels,
        };
        int chunks = (Tokens + SelectiveScan.ChunkTokens - 1) / SelectiveScan.ChunkTokens;
        using NativeBuffer<float> checkpoints = new(chunks * states * channels, zeroed: true);
        using NativeBuffer<float> xGradient = new(count), deltaGradient = new(count), bcGradient = new(Tokens * 2 * states);
        using NativeBuffer<float> parameterGradients = new((states + 1) * channels, zeroed: true);
        using var scratch = new NativeBuffer<float>(SelectiveScanGradient.ScratchLength(channels, states));
        var scanGradient = new SelectiveScanGradientCall
        {
            Forward = scan with { Z = null, Checkpoints = checkpoints.Pointer },
            Gradients = new ScanGradients
            {
                Output = z.Pointer,
                OutputStride = channels,
                U = xGradient.Pointer,
                UStride = channels,
                Delta = deltaGradient.Pointer,
                DeltaStride = channels,
                B = bcGradient.Pointer,
                BStride = 2 * states,
                C = bcGradient.Pointer + states,
                CStride = 2 * states,
            },
            AGradient = parameterGradients.Pointer,
            DGradient = parameterGradients.Pointer + (states * channels),
        };
        var convGradient = new CausalConvGradientCall
        {
            Forward = conv,
            OutputGradient = z.Pointer,
            OutputGradientStride = channels,
            SourceGradient = xGradient.Pointer,
            SourceGradientStride = channels,
            WeightGradient = parameterGradients.Pointer,
            BiasGradient = parameterGradients.Pointer + (4 * channels),
            Sums = deltaGradient.Pointer,
        };
        var norm = new RowNormCall
        {
            Columns = channels,
            Source = x.Pointer,
            SourceStride = channels,
            Target = y.Pointer,
            TargetStride = channels,
            Weight = d.Pointer,
            Epsilon = 1e-5f,
        };
        var means = new MeanOfRowNormsCall
        {
            Rows = Tokens,
            Columns = channels,
            Source = x.Pointer,
            SourceStride = channels,
            Weight = d.Pointer,
            Bias = d.Pointer,
            Epsilon = 1e-5f,
            Mean = y.Pointer,
        };
        var quantize = new QuantizeCall
        {
            Source = x.Pointer,
            SourceStride = channels,
            Target = bytes.Pointer,
            TargetStride = channels,
            Columns = channels,
            InverseScales = x.Pointer,
            ZeroPoints = zeros.Pointer,
            GridStride = 1,
            MaxValue = 255,
        };

        using PackedScan packedScan = IntegerScanOf(channels, states);
        var integerScan = new IntegerScanCall
        {
            Tokens = Tokens,
            U = scan.U,
            UStride = scan.UStride,
            Delta = scan.Delta,
            DeltaStride = scan.DeltaStride,
            B = scan.B,
            BStride = scan.BStride,
            C = scan.C,
            CStride = scan.CStride,
            Y = y.Pointer,
            YStride = channels,
        };
        using var tables = new ScanGradientTables(packedScan, new Tensor([channels, states]), new Tensor([channels]), Tokens);
        using var scanSums = new NativeBuffer<float>(new ScanSums(channels, Tokens, tables.Groups).Length, zeroed: true);
        using var integerScratch = new NativeBuffer<float>(IntegerScanGradient.ScratchLength(Tokens, states));
        var integerScanGradient = new IntegerScanGradientCall
        {
            Forward = integerScan,
            Gradients = new ScanGradients
            {
                Output = z.Pointer,
                OutputStride = channels,
                U = xGradient.Pointer,
                UStride = channels,
                Delta = deltaGradient.Pointer,
                DeltaStride = channels,
                B = bcGradient.Pointer,
                BStride = 2 * states,
                C = bcGradient.Pointer + states,
                CStride = 2 * states,
            },
            Sums = scanSums.Pointer,
        };

        Console.WriteLine($"| {Tokens} tokens × {channels} channels, {states} states | µs | ns per value |");
        Console.WriteLine("|---|---|---|");
        PrintTimes(SelectiveScan.Table, count * states, kernel => kernel.Run(in scan, 0, channels));
        PrintTimes(IntegerScan.Table, count * states, kernel => kernel.Run(packedScan, in integerScan, 0, channels));
        PrintTimes(SelectiveScanGradient.Table, count * states, kernel => kernel.Run(in scanGradient, channels, scratch.Pointer));
        PrintTimes(IntegerScanGradient.Table, count * states, kernel => kernel.Run(tables, in integerScanGradient, integerScratch.Pointer));
        if (onlyScans)
            return;
        PrintTimes(CausalConv.Table, count, kernel => kernel.Run(in conv, 0, channels));
        PrintTimes(CausalConvGradient.Table, count, kernel => kernel.Run(in convGradient, channels));
        PrintTimes(RowNorm.Table, count, kernel => kernel.Run(in norm, 0, Tokens));
        PrintTimes(MeanOfRowNorms.Table, count, kernel => kernel.Run(in means));
        PrintTimes(Quantize.Table, count, kernel => kernel.Run(in quantize, 0, Tokens));
        PrintTimes(Elementwise.Exp, count, kernel => kernel.Run(x.Pointer, y.Pointer, count));
        PrintTimes(Elementwise.Silu, count, kernel => kernel.Run(x.Pointer, y.Pointer, count));
        PrintTimes(Elementwise.Softplus, count, kernel => kernel.Run(x.Pointer, y.Pointer, count));
        PrintTimes(Elementwise.Gelu, count, kernel => kernel.Run(x.Pointer, y.Pointer, count));
        PrintTimes(Elementwise.Sigmoid, count, kernel => kernel.Run(x.Pointer, y.Pointer, count));
        Console.WriteLine();
        Console.WriteLine($"A value of the scan is a state update: {states} per token and channel.");
    }

    private static void PrintTimes<TKernel>(KernelTable<TKernel> table, int values, Action<TKernel> run)
        where TKernel : Kernel
    {
        TKernel[] kernels = [.. table.Runnable];
        double[] seconds = Alternating.Seconds([.. kernels.Select<TKernel, Action>(kernel => () => run(kernel))]);
        for (int i = 0; i < kernels.Length; i++)
            Console.WriteLine($"| {kernels[i].Name} | {seconds[i] * 1e6:F0} | {seconds[i] / values * 1e9:F3} |");
    }

    /// <summary>A scan in 8 bits with eight groups of tokens and a scale for each channel.</summary>
    private static PackedScan IntegerScanOf(int channels, int states)
    {
        UniformQuantizer signed = UniformQuantizer.Symmetric(8, Granularity.PerTensor, [1f / 127]);
        UniformQuantizer unsigned = UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [1f / 255], [0]);
        float[] channelScales = [.. Enumerable.Range(1, channels).Select(e => 1f + (e % 7))];
        int[] groups = [.. TimeGroups.Equal((Tokens + 3) / 4, 8).Select(start => 4 * start)]; // as calibration places them
        return new PackedScan(
            new QuantizedScan(
                unsigned,
                DeltaQuantizer.BeforeSoftplus(8, 6f / 255, -5),
                signed,
                signed,
                DecayQuantizer.LongTailed(8, 8),
                new HiddenStateQuantizer(8, Tokens, groups, [.. groups.Select((_, g) => (1f + g) / 127)], channelScales),
                [.. Enumerable.Range(0, channels * states).Select(i => QuantizedScan.RateCode(MathF.Log(1 + (i % states))))]),
            new Tensor([channels]),
            Tokens);
    }

    private static NativeBuffer<float> Floats(int count)
    {
        var random = new Random(count);
        var buffer = new NativeBuffer<float>(count);
        foreach (ref float value in buffer.Span)
            value = random.NextSingle();
        return buffer;
    }
}
