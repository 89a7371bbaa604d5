using Bitis.Kernels.Activations;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Normalization;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;
using static Bitis.Benchmarks.KernelBenchmarks;

namespace Bitis.Benchmarks;

/// <summary>The kernels that touch each value of <c>[tokens, channels]</c> a few times: microseconds, and nanoseconds for a value or, in scans, a state update.</summary>
internal sealed unsafe class TokenKernelBenchmarks : IDisposable
{
    private const int Taps = 4;

    private readonly int _tokens, _channels, _states;
    private readonly NativeBuffer<float> _x, _y, _z, _delta, _bc, _rates, _perChannel, _taps;
    private readonly NativeBuffer<float> _xGradient, _deltaGradient, _bcGradient, _parameterGradients;

    /// <summary>Reserves memory for the operands of all kernels.</summary>
    /// <param name="tokens">L.</param>
    /// <param name="channels">E.</param>
    /// <param name="states">N, of the scans.</param>
    public TokenKernelBenchmarks(int tokens, int channels, int states)
    {
        (_tokens, _channels, _states) = (tokens, channels, states);
        int count = tokens * channels;
        (_x, _y, _z, _delta) = (Floats(count), Floats(count), Floats(count), Floats(count));
        (_bc, _rates, _perChannel, _taps) = (Floats(tokens * 2 * states), Floats(states * channels), Floats(channels), Floats(Taps * channels));
        foreach (ref float rate in _rates.Span)
            rate = -1f - rate;
        (_xGradient, _deltaGradient, _bcGradient) = (new(count), new(count), new(tokens * 2 * states));
        _parameterGradients = new((Math.Max(states, Taps) + 1) * channels, zeroed: true);
    }

    /// <summary>Measures and prints the table.</summary>
    /// <param name="onlyScans">Whether only the scans are measured: the other kernels have no states.</param>
    public void Run(bool onlyScans)
    {
        Console.WriteLine($"| {_tokens} tokens × {_channels} channels, {_states} states | µs | ns per value |");
        Console.WriteLine("|---|---|---|");
        Scans();
        if (onlyScans)
            return;
        Convolutions();
        Norms();
        Elements();
        Console.WriteLine();
        Console.WriteLine($"A value of the scan is a state update: {_states} per token and channel.");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        NativeBuffer<float>[] buffers = [_x, _y, _z, _delta, _bc, _rates, _perChannel, _taps, _xGradient, _deltaGradient, _bcGradient, _parameterGradients];
        foreach (NativeBuffer<float> buffer in buffers)
            buffer.Dispose();
    }

    private void Scans()
    {
        int updates = _tokens * _channels * _states;
        SelectiveScanCall scan = ScanCall();
        PrintTimes(SelectiveScan.Table, updates, kernel => kernel.Run(in scan, 0, _channels));

        IntegerScanTables constants = IntegerScanOf(_tokens, _channels, _states);
        using var packed = new PackedScan(constants);
        var integerScan = new IntegerScanCall
        {
            Scan = packed,
            Tokens = _tokens,
            U = scan.U,
            UStride = scan.UStride,
            Delta = scan.Delta,
            DeltaStride = scan.DeltaStride,
            B = scan.B,
            BStride = scan.BStride,
            C = scan.C,
            CStride = scan.CStride,
            Y = scan.Y,
            YStride = scan.YStride,
        };
        PrintTimes(IntegerScan.Table, updates, kernel => kernel.Run(in integerScan, 0, _channels));

        int chunks = (_tokens + SelectiveScan.ChunkTokens - 1) / SelectiveScan.ChunkTokens;
        using NativeBuffer<float> checkpoints = new(chunks * _states * _channels, zeroed: true);
        using NativeBuffer<float> scratch = new(SelectiveScanGradient.ScratchLength(_channels, _states));
        var gradient = new SelectiveScanGradientCall
        {
            Channels = _channels,
            Scratch = scratch.Pointer,
            Forward = scan with { Z = null, Checkpoints = checkpoints.Pointer },
            Gradients = ScanGradients(),
            AGradient = _parameterGradients.Pointer,
            DGradient = _parameterGradients.Pointer + (_states * _channels),
        };
        PrintTimes(SelectiveScanGradient.Table, updates, kernel => kernel.Run(in gradient));

        using var tables = new ScanGradientTables(
            packed, constants, new Tensor([_channels, _states]), new Tensor([_channels]));
        using NativeBuffer<float> sums = new(new ScanSums(_channels, _tokens, tables.Groups).Length, zeroed: true);
        using NativeBuffer<float> integerScratch = new(IntegerScanGradient.ScratchLength(_tokens, _states));
        var integerGradient = new IntegerScanGradientCall
        {
            Tables = tables,
            Scratch = integerScratch.Pointer,
            Forward = integerScan,
            Gradients = ScanGradients(),
            Sums = sums.Pointer,
        };
        PrintTimes(IntegerScanGradient.Table, updates, kernel => kernel.Run(in integerGradient));
    }

    private void Convolutions()
    {
        var convolution = new CausalConvCall
        {
            Tokens = _tokens,
            Taps = Taps,
            Source = _x.Pointer,
            SourceStride = _channels,
            Weights = _taps.Pointer,
            WeightStride = _channels,
            Bias = _perChannel.Pointer,
            Target = _y.Pointer,
            TargetStride = _channels,
        };
        PrintTimes(CausalConv.Table, _tokens * _channels, kernel => kernel.Run(in convolution, 0, _channels));
        var gradient = new CausalConvGradientCall
        {
            Forward = convolution,
            Gradients = new LayerGradients
            {
                Output = _z.Pointer,
                OutputStride = _channels,
                Source = _xGradient.Pointer,
                SourceStride = _channels,
                Weight = _parameterGradients.Pointer,
                Bias = _parameterGradients.Pointer + (Taps * _channels),
            },
            Sums = _deltaGradient.Pointer,
        };
        PrintTimes(CausalConvGradient.Table, _tokens * _channels, kernel => kernel.Run(in gradient, 0, _channels));
    }

    private void Norms()
    {
        var norm = new RowNormCall
        {
            Columns = _channels,
            Source = _x.Pointer,
            SourceStride = _channels,
            Target = _y.Pointer,
            TargetStride = _channels,
            Weight = _perChannel.Pointer,
            Epsilon = 1e-5f,
        };
        PrintTimes(RowNorm.Table, _tokens * _channels, kernel => kernel.Run(in norm, 0, _tokens));
        var means = new MeanOfRowNormsCall
        {
            Rows = _tokens,
            Columns = _channels,
            Source = _x.Pointer,
            SourceStride = _channels,
            Weight = _perChannel.Pointer,
            Bias = _perChannel.Pointer,
            Epsilon = 1e-5f,
            Mean = _y.Pointer,
        };
        PrintTimes(MeanOfRowNorms.Table, _tokens * _channels, kernel => kernel.Run(in means));
    }

    private void Elements()
    {
        int count = _tokens * _channels;
        using NativeBuffer<byte> levels = new(count);
        using NativeBuffer<int> zeros = new(_tokens, zeroed: true);
        var quantize = new QuantizeCall
        {
            Source = _x.Pointer,
            SourceStride = _channels,
            Target = levels.Pointer,
            TargetStride = _channels,
            Columns = _channels,
            InverseScales = _x.Pointer,
            ZeroPoints = zeros.Pointer,
            ParameterStride = 1,
            MaxValue = 255,
        };
        PrintTimes(Quantize.Table, count, kernel => kernel.Run(in quantize, 0, _tokens));
        PrintTimes(Elementwise.Exp, count, kernel => kernel.Run(_x.Pointer, _y.Pointer, count));
        PrintTimes(Elementwise.Silu, count, kernel => kernel.Run(_x.Pointer, _y.Pointer, count));
        PrintTimes(Elementwise.Softplus, count, kernel => kernel.Run(_x.Pointer, _y.Pointer, count));
        PrintTimes(Elementwise.Gelu, count, kernel => kernel.Run(_x.Pointer, _y.Pointer, count));
        PrintTimes(Elementwise.Sigmoid, count, kernel => kernel.Run(_x.Pointer, _y.Pointer, count));
    }

    private SelectiveScanCall ScanCall() => new()
    {
        Tokens = _tokens,
        States = _states,
        U = _x.Pointer,
        UStride = _channels,
        Delta = _delta.Pointer,
        DeltaStride = _channels,
        DeltaSoftplus = true,
        A = _rates.Pointer,
        AStride = _channels,
        B = _bc.Pointer,
        BStride = 2 * _states,
        C = _bc.Pointer + _states,
        CStride = 2 * _states,
        D = _perChannel.Pointer,
        Z = _z.Pointer,
        ZStride = _channels,
        Y = _y.Pointer,
        YStride = _channels,
        OutputScale = 1f,
    };

    private ScanGradients ScanGradients() => new()
    {
        Output = _z.Pointer,
        OutputStride = _channels,
        U = _xGradient.Pointer,
        UStride = _channels,
        Delta = _deltaGradient.Pointer,
        DeltaStride = _channels,
        B = _bcGradient.Pointer,
        BStride = 2 * _states,
        C = _bcGradient.Pointer + _states,
        CStride = 2 * _states,
    };

    private static void PrintTimes<TKernel>(KernelTable<TKernel> table, int values, Action<TKernel> run)
        where TKernel : Kernel
    {
        TKernel[] kernels = [.. table.Runnable];
        double[] seconds = Alternating.Seconds([.. kernels.Select<TKernel, Action>(kernel => () => run(kernel))]);
        for (int i = 0; i < kernels.Length; i++)
            Console.WriteLine($"| {kernels[i].Name} | {seconds[i] * 1e6:F0} | {seconds[i] / values * 1e9:F3} |");
    }

    /// <summary>A scan in 8 bits with eight groups of tokens and a scale for each channel.</summary>
    private static IntegerScanTables IntegerScanOf(int tokens, int channels, int states)
    {
        UniformQuantizer signed = UniformQuantizer.Symmetric(8, Granularity.PerTensor, [1f / 127]);
        UniformQuantizer unsigned = UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [1f / 255], [0]);
        float[] channelScales = [.. Enumerable.Range(1, channels).Select(e => 1f + (e % 7))];
        int[] groups = [.. TimeGroups.Equal((tokens + 3) / 4, 8).Select(start => 4 * start)]; // as calibration places them
        var scan = new QuantizedScan(
            unsigned,
            DeltaQuantizer.BeforeSoftplus(8, 6f / 255, -5),
            signed,
            signed,
            DecayQuantizer.LongTailed(8, 8),
            new HiddenStateQuantizer(8, tokens, groups, [.. groups.Select((_, g) => (1f + g) / 127)], channelScales),
            [.. Enumerable.Range(0, channels * states).Select(i => QuantizedScan.RateCode(MathF.Log(1 + (i % states))))]);
        return scan.TablesFor(new Tensor([channels]), tokens);
    }
}
