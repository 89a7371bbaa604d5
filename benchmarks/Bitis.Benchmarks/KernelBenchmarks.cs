using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

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
        using (var kernels = new TokenKernelBenchmarks(Tokens, channels: 384, states: 16))
            kernels.Run(onlyScans: false);
        Console.WriteLine();
        using (var kernels = new TokenKernelBenchmarks(Tokens, channels: 384, states: 1)) // VMamba's
            kernels.Run(onlyScans: true);
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
            var grids = new TokenParameters(tokenScales.Pointer, zeros.Pointer, stride: 1);
            Int8Gemm.Run(layer, a.Pointer, k, in grids, c.Pointer, n, 0, Tokens, accumulate: false);
        })]);
        weights.ForEach(layer => layer.Dispose());
        return seconds;
    }

    /// <summary>Random numbers from 0 to 1, by their count.</summary>
    public static NativeBuffer<float> Floats(int count)
    {
        var random = new Random(count);
        var buffer = new NativeBuffer<float>(count);
        foreach (ref float value in buffer.Span)
            value = random.NextSingle();
        return buffer;
    }
}
