using System.Diagnostics;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Tensors;

namespace Bitis.Benchmarks.Peer;

/// <summary>Bitis against ONNX Runtime: matrix products, and whole models. Both take turns; medians count.</summary>
internal static class PeerBenchmark
{
    private const int Rounds = 11;

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
    /// <param name="peer">The folder with peer.js and its packages.</param>
    public static void Run(string peer)
    {
        string folder = Directory.CreateTempSubdirectory("bitis-peer-").FullName;
        try
        {
            MeasureProducts(peer, folder, isInteger: true);
            MeasureProducts(peer, folder, isInteger: false);
            MeasureModels(peer, folder, "vim-tiny", "DeiT-Tiny", width: 192);
            MeasureModels(peer, folder, "vim-small", "DeiT-Small", width: 384);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void MeasureProducts(string peer, string folder, bool isInteger)
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
                string path = Path.Combine(folder, "gemm.onnx");
                if (isInteger)
                    OnnxModels.WriteIntegerGemms(path, m, k, n, count);
                else
                    OnnxModels.WriteFloatGemms(path, m, k, n, count);
                using var runtime = new OnnxRuntime(peer, path, threads, isInteger ? "uint8" : "float32", m, k);
                using var pool = new WorkerPool(threads);
                using Products products = isInteger
                    ? new IntegerProducts(m, k, n, count)
                    : new FloatProducts(m, k, n, count);
                (double ours, double theirs) = Alternate(() => products.Run(pool), runtime);
                double macs = (double)m * k * n * count / 1e9;
                Console.WriteLine(
                    $"| {m}×{k}×{n} | {threads} | {macs / ours:F0} | {macs / theirs:F0} | {theirs / ours:F2} |");
            }
        }
    }

    private static void MeasureModels(string peer, string folder, string variant, string peerName, int width)
    {
        VisionModel model = RandomModel.Create(variant);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = 1 };
        Console.WriteLine();
        Console.WriteLine($"| one image on one thread, ms | {variant} | {peerName} in ONNX Runtime | ratio |");
        Console.WriteLine("|---|---|---|---|");
        Compare("float32", dynamicInt8: false, InferenceSession.Create(model, options));
        foreach ((string bits, Scope scope) in
            ((string, Scope)[])[
                ("w8a8", Scope.Linear),
                ("w4a8", Scope.Linear),
                ("w8a8", Scope.Ssm),
                ("w8a8", Scope.Full),
                ("w4a8", Scope.Full)])
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
                string path = Path.Combine(folder, "deit.onnx");
                OnnxModels.WriteDeit(path, width, dynamicInt8);
                using var runtime = new OnnxRuntime(peer, path, threads: 1, "float32", [.. image.Shape]);
                (double ours, double theirs) = Alternate(() => session.Run(image), runtime);
                Console.WriteLine($"| {name} against {(dynamicInt8 ? "dynamic INT8" : "float32")} | {ours * 1e3:F2} | "
                    + $"{theirs * 1e3:F2} | {theirs / ours:F2} |");
            }
        }
    }

    /// <summary>Median seconds for a run of each.</summary>
    private static (double Ours, double Theirs) Alternate(Action run, OnnxRuntime peer)
    {
        int ours = Calibrate(() => peer.WhileStopped(() => Time(run, 1))), theirs = Calibrate(() => peer.Run(1));
        double[] own = new double[Rounds], other = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            own[round] = peer.WhileStopped(() => Time(run, ours));
            other[round] = peer.Run(theirs);
        }
        Array.Sort(own);
        Array.Sort(other);
        return (own[Rounds / 2], other[Rounds / 2]);
    }

    /// <summary>How many runs fit a slice; warms up, too.</summary>
    private static int Calibrate(Func<double> once)
    {
        for (int i = 0; i < 4; i++)
            once();
        return Math.Max(1, (int)(Slice.TotalSeconds / once()));
    }

    private static double Time(Action run, int count)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
            run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / count;
    }

    /// <summary>Several products of one input, divided among threads as the runtime does it.</summary>
    private abstract class Products(int units, int count) : IDisposable
    {
        public void Run(WorkerPool pool)
        {
            int parts = pool.ThreadCount;
            for (int i = 0; i < count; i++)
            {
                int layer = i;
                pool.Run(parts, part => RunUnits(layer, units * part / parts, units * (part + 1) / parts));
            }
        }

        public abstract void Dispose();

        protected abstract void RunUnits(int layer, int start, int end);
    }

    private sealed unsafe class IntegerProducts : Products
    {
        private readonly PackedIntegerWeights[] _layers;
        private readonly NativeBuffer<byte> _a;
        private readonly NativeBuffer<float> _c;
        private readonly NativeBuffer<float> _scales;
        private readonly NativeBuffer<int> _zeros;
        private readonly int _k, _n;

        public IntegerProducts(int m, int k, int n, int count)
            : base(m, count)
        {
            (_k, _n) = (k, n);
            var random = new Random(1);
            _a = new NativeBuffer<byte>(m * k);
            random.NextBytes(_a.Span);
            _c = new NativeBuffer<float>(m * n);
            _scales = new NativeBuffer<float>(m);
            _scales.Span.Fill(0.01f);
            _zeros = new NativeBuffer<int>(m);
            _zeros.Span.Fill(128);
            float[] scales = new float[n];
            Array.Fill(scales, 0.01f);
            byte[] levels = new byte[n * k];
            _layers = new PackedIntegerWeights[count];
            for (int i = 0; i < count; i++)
            {
                random.NextBytes(levels);
                _layers[i] = new PackedIntegerWeights(
                    System.Runtime.InteropServices.MemoryMarshal.Cast<byte, sbyte>(levels), scales, [], n, k);
            }
        }

        public override void Dispose()
        {
            Array.ForEach(_layers, layer => layer.Dispose());
            _a.Dispose();
            _c.Dispose();
            _scales.Dispose();
            _zeros.Dispose();
        }

        protected override void RunUnits(int layer, int start, int end)
        {
            var grids = new TokenParameters(_scales.Pointer, _zeros.Pointer, stride: 1);
            Int8Gemm.Run(_layers[layer], _a.Pointer, _k, in grids, _c.Pointer, _n, start, end, accumulate: false);
        }
    }

    private sealed unsafe class FloatProducts : Products
    {
        private readonly PackedFloatWeights[] _layers;
        private readonly NativeBuffer<float> _a, _c;
        private readonly int _m, _k, _n;

        public FloatProducts(int m, int k, int n, int count)
            : base(ByPanels(n) ? Panels(n) : m, count)
        {
            (_m, _k, _n) = (m, k, n);
            var random = new SeededRandom(1);
            _a = new NativeBuffer<float>(m * k);
            foreach (ref float value in _a.Span)
                value = (float)random.NextNormal();
            _c = new NativeBuffer<float>(m * n);
            float[] weights = new float[n * k];
            _layers = new PackedFloatWeights[count];
            for (int i = 0; i < count; i++)
            {
                foreach (ref float value in weights.AsSpan())
                    value = random.NextSingle(-1, 1);
                _layers[i] = new PackedFloatWeights(weights, [], n, k);
            }
        }

        public override void Dispose()
        {
            Array.ForEach(_layers, layer => layer.Dispose());
            _a.Dispose();
            _c.Dispose();
        }

        protected override void RunUnits(int layer, int start, int end)
        {
            if (ByPanels(_n))
                FloatGemm.RunPanels(_layers[layer], _a.Pointer, _k, _c.Pointer, _n, _m, start, end);
            else
                FloatGemm.Run(_layers[layer], _a.Pointer, _k, _c.Pointer, _n, start, end, accumulate: false);
        }

        private static bool ByPanels(int n) => Panels(n) > 4;

        private static int Panels(int n) => (n + FloatGemm.Table.Best.Columns - 1) / FloatGemm.Table.Best.Columns;
    }
}
