using System.Diagnostics;
using Bitis.Benchmarks.Peer;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions.Maps;
using Bitis.Graphs;
using Bitis.Models.Catalogue;
using Bitis.Models.Segmentation;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// VMamba-Tiny with a UPerHead, in float32 and integers: the time of one image, and how fast the head multiplies.
/// </summary>
internal static class SegmentationBenchmark
{
    private const int Classes = 150, HeadChannels = 512, Runs = 5, WarmUp = 1;
    private const string Head = "decode_head";

    private static readonly string[] Bits = ["w8a8"];

    public static void Run(int size, int threads)
    {
        VisionModel model = Create(size);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = threads };
        (string Name, SegmentationSession Session)[] models =
        [
            ("float32", SegmentationSession.Create(model, options)),
            .. Bits.Select(bits => (
                RandomModel.NameOf(bits, Scope.Full),
                SegmentationSession.Create(Quantize(model, image, bits), options))),
        ];
        // The models take turns.
        var runs = Array.ConvertAll(models, _ => new List<IReadOnlyList<OperationTime>>());
        for (int run = -WarmUp; run < Runs; run++)
        {
            for (int i = 0; i < models.Length; i++)
            {
                IReadOnlyList<OperationTime> times = models[i].Session.Profile(image, CancellationToken.None);
                if (run >= 0)
                    runs[i].Add(times);
            }
        }
        double products = MultiplyAdds(model.Graph);
        Console.WriteLine(
            $"| vmamba-tiny, UPerHead of {HeadChannels} channels, {size}×{size}, {threads} thread(s) | s | head s "
            + $"| head GMAC/s | times as fast as float32 | weights MB | arena MB |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        double first = Median(runs[0], _ => true);
        for (int i = 0; i < models.Length; i++)
        {
            double all = Median(runs[i], _ => true);
            double head = Median(runs[i], step => step.Node.StartsWith(Head, StringComparison.Ordinal));
            SegmentationSession session = models[i].Session;
            Console.WriteLine(
                $"| {models[i].Name} | {all:F3} | {head:F3} | {products / head / 1e9:F0} | {first / all:F2} "
                + $"| {session.CountWeightBytes() / 1e6:F1} | {ArenaBytes(session, size) / 1e6:F0} |");
        }
        foreach ((string name, SegmentationSession session) in models)
            session.Dispose();
        double peer = MeasurePeer(size, threads);
        Console.WriteLine($"| ONNX Runtime, float32 | | {peer:F3} | {products / peer / 1e9:F0} | | | |");
        Console.WriteLine();
        for (int i = 0; i < models.Length; i++)
            PrintKinds(models[i].Name, runs[i]);
    }

    /// <summary>Whole ranges; what else a method finds does not change the time of the head.</summary>
    private static QuantizedModel Quantize(VisionModel model, FloatTensor image, string bits) =>
        PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(image),
            new() { Method = "minmax", Bits = BitWidths.Parse(bits), Scope = Scope.Full });

    /// <summary>The seconds that ONNX Runtime takes for the same head.</summary>
    private static double MeasurePeer(int size, int threads)
    {
        using var peer = new OnnxRuntime(new OnnxUPerHead(size, HeadChannels, Classes).Model, threads);
        var seconds = new List<double>();
        for (int run = -WarmUp; run < Runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            peer.Run();
            if (run >= 0)
                seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return seconds.Order().ElementAt(Runs / 2);
    }

    /// <summary>The model, with random weights.</summary>
    internal static VisionModel Create(int size)
    {
        var backbone = (VMambaConfig)ModelCatalogue.Get("vmamba-tiny").Config;
        var head = new HeadConfig { Kind = HeadKind.UPer, Channels = HeadChannels };
        return VisionModel.CreateRandom(
            new VMambaSegmentationConfig(backbone, head) { ImageSize = size, Classes = Classes }, seed: 1);
    }

    /// <summary>The multiply-adds of the head.</summary>
    private static double MultiplyAdds(Graph graph) => graph.Nodes
        .Where(node => node.Name.StartsWith(Head, StringComparison.Ordinal) && node.Operator.Product is not null)
        .Sum(node => (double)node.Shape[0] * node.Operator.Parameters[0].Shape.ElementCount);

    private static long ArenaBytes(SegmentationSession session, int size)
    {
        PlansBySize.Entry entry = session.Plans.Rent(size, size);
        session.Plans.Return(entry);
        return entry.Plan.Layout.Bytes;
    }

    /// <summary>The median of the sums of some steps, in seconds.</summary>
    private static double Median(List<IReadOnlyList<OperationTime>> runs, Func<OperationTime, bool> isCounted)
    {
        double[] sums = [.. runs.Select(run => run.Where(isCounted).Sum(step => step.Time.TotalSeconds)).Order()];
        return sums[sums.Length / 2];
    }

    private static void PrintKinds(string title, List<IReadOnlyList<OperationTime>> runs)
    {
        Console.WriteLine($"{title}:");
        IEnumerable<(string Kind, double Seconds)> kinds = runs[0].Select(KindOf).Distinct().Select(
            kind => (kind, Median(runs, step => KindOf(step) == kind)));
        foreach ((string kind, double seconds) in kinds.OrderByDescending(kind => kind.Seconds))
            Console.WriteLine($"  {kind,-40} {seconds * 1e3,9:F1} ms");
    }

    private static string KindOf(OperationTime step) =>
        (step.Node.StartsWith(Head, StringComparison.Ordinal) ? "head: " : "backbone: ") + step.Kind;
}
