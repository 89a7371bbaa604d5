using Bitis.Kernels.Dispatch;
using Bitis.Models.Catalogue;
using Bitis.Tensors;

namespace Bitis.Benchmarks.Peer;

/// <summary>Bitis against ONNX Runtime: matrix products, and whole models. Both take turns; medians count.</summary>
internal static class PeerBenchmark
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(60);

    private static readonly (int M, int K, int N)[] Shapes =
        [
            (197, 192, 768),
            (197, 384, 192),
            (197, 384, 768),
            (197, 384, 1536),
            (197, 768, 384),
            (197, 384, 44),
            (3152, 768, 384),
        ];

    /// <summary>Measures everything.</summary>
    public static void Run()
    {
        MeasureProducts(isInteger: true);
        MeasureProducts(isInteger: false);
        (string, Scope)[] all =
        [
            ("w8a8", Scope.Linear),
            ("w4a8", Scope.Linear),
            ("w8a8", Scope.Ssm),
            ("w8a8", Scope.Full),
            ("w4a8", Scope.Full),
        ];
        MeasureModels("vim-tiny", "DeiT-Tiny", width: 192, imageSize: 224, all);
        MeasureModels("vim-small", "DeiT-Small", width: 384, imageSize: 224, all);
        MeasureModels("vim-tiny", "DeiT-Tiny", width: 192, imageSize: 448, ("w8a8", Scope.Full));
    }

    private static void MeasureProducts(bool isInteger)
    {
        Console.WriteLine();
        Console.WriteLine(
            $"| {(isInteger ? "int8" : "float32")} product, M×K×N, GMAC/s | threads | Bitis | ONNX Runtime | ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (int threads in new[] { 1, 2 })
        {
            foreach ((int m, int k, int n) in Shapes)
            {
                // Weights of their own for each product, as a model has them.
                int count = m > 1000 ? 4 : 32;
                using var runtime = new OnnxRuntime(
                    isInteger ? OnnxProducts.Integer(m, k, n, count) : OnnxProducts.Float(m, k, n, count), threads);
                using var pool = new WorkerPool(threads);
                using Products products = isInteger
                    ? new IntegerProducts(m, k, n, count)
                    : new FloatProducts(m, k, n, count);
                double[] seconds = Alternating.Seconds(Slice, () => products.Run(pool), runtime.Run);
                (double ours, double theirs) = (seconds[0], seconds[1]);
                double macs = (double)m * k * n * count / 1e9;
                Console.WriteLine(
                    $"| {m}×{k}×{n} | {threads} | {macs / ours:F0} | {macs / theirs:F0} | {theirs / ours:F2} |");
            }
        }
    }

    private static void MeasureModels(
        string variant, string peer, int width, int imageSize, params (string Bits, Scope Scope)[] quantized)
    {
        VisionModel model = RandomModel.Create(variant, imageSize);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = 1 };
        Console.WriteLine();
        Console.WriteLine(
            $"| one image of {imageSize} pixels on one thread, ms | {variant} | {peer} in ONNX Runtime | ratio |");
        Console.WriteLine("|---|---|---|---|");
        Compare("float32", dynamicInt8: false, InferenceSession.Create(model, options));
        foreach ((string bits, Scope scope) in quantized)
        {
            Compare(
                RandomModel.NameOf(bits, scope),
                dynamicInt8: true,
                InferenceSession.Create(RandomModel.Quantize(model, bits, scope), options));
        }

        void Compare(string name, bool dynamicInt8, InferenceSession session)
        {
            using (session)
            {
                using var runtime = new OnnxRuntime(new OnnxDeit(width, imageSize, dynamicInt8).Model, threads: 1);
                double[] seconds = Alternating.Seconds(Slice, () => session.Run(image), runtime.Run);
                (double ours, double theirs) = (seconds[0], seconds[1]);
                Console.WriteLine($"| {name} against {(dynamicInt8 ? "dynamic INT8" : "float32")} | {ours * 1e3:F2} | "
                    + $"{theirs * 1e3:F2} | {theirs / ours:F2} |");
            }
        }
    }
}
