using System.Diagnostics;
using Bitis.Analysis.Search.Mixtures;
using Bitis.Evaluation;
using Bitis.Execution.Planning;
using Bitis.Tensors;

namespace Bitis.Analysis.Search.Measures;

/// <summary>What each choice of each part takes on this machine, for one image.</summary>
/// <remarks>
/// A time is that which a tenth of the runs beat: what other programs do disturbs it less than the median.
/// </remarks>
/// <param name="FloatMs">The milliseconds of the whole float model.</param>
/// <param name="Ms">How much more the choices of the parts take than float32.</param>
internal sealed record LatencyTable(double FloatMs, IReadOnlyList<IReadOnlyList<double>> Ms)
{
    private const int WarmUp = 3, LeastRuns = 15, MostRuns = 201;

    /// <summary>Slow models are run less often, so that a measurement takes about this long.</summary>
    private static readonly TimeSpan UsualTime = TimeSpan.FromSeconds(10);

    /// <summary>What a mixture takes, from the float model's time and the differences of its parts.</summary>
    public double Predict(IReadOnlyList<int> mixture) =>
        FloatMs + mixture.Select((choice, part) => Ms[part][choice]).Sum();

    /// <summary>Times the operations of models in which parts of one kind have one choice.</summary>
    /// <remarks>The models take turns. An operation belongs to the block of the last node that it computes.</remarks>
    public static LatencyTable Measure(
        VisionModel model, SearchSpace space, MixedModels models, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var options = new SessionOptions { Threads = threads };
        var sessions = new List<MeasuredSession>();
        try
        {
            sessions.Add(new MeasuredSession(model, options, cancellationToken));
            foreach (TimedMixture timed in space.Timed.Skip(1))
            {
                QuantizedModel quantized = models.Create(timed.Mixture, progress, cancellationToken);
                sessions.Add(new MeasuredSession(quantized, options, cancellationToken));
            }
            FloatTensor image = Latency.RandomImage(model.Config);
            return FromTimes(space, Times(sessions, image, progress, cancellationToken));
        }
        finally
        {
            foreach (MeasuredSession session in sessions)
                session.Dispose();
        }
    }

    /// <summary>Times whole models in turn with the float model, which is the first.</summary>
    public static IReadOnlyList<double> OfWholes(
        VisionModel model, IReadOnlyList<QuantizedModel> quantized, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var options = new SessionOptions { Threads = threads };
        var sessions = new List<MeasuredSession>();
        FloatTensor image = Latency.RandomImage(model.Config);
        try
        {
            sessions.Add(new MeasuredSession(model, options, cancellationToken));
            foreach (QuantizedModel each in quantized)
                sessions.Add(new MeasuredSession(each, options, cancellationToken));
            int runs = RunsOf(() => sessions.ForEach(session => session.Run(image, cancellationToken)));
            return
            [
                .. Latency.Measure(
                    [.. sessions.Select<MeasuredSession, Func<FloatTensor, CancellationToken, FloatTensor>>(
                        session => session.Run)],
                    image, warmup: 0, runs, progress, cancellationToken)
                    .Select(latency => latency.P10.TotalMilliseconds),
            ];
        }
        finally
        {
            foreach (MeasuredSession session in sessions)
                session.Dispose();
        }
    }

    /// <summary>The values for a file.</summary>
    public IReadOnlyList<double> ToValues() => [FloatMs, .. Ms.SelectMany(row => row)];

    /// <summary>Reads what <see cref="ToValues"/> writes; null if it is not that.</summary>
    public static LatencyTable? FromValues(SearchSpace space, IReadOnlyList<double> values)
    {
        if (values.Count != 1 + space.Choices.Sum(list => list.Count))
            return null;
        var rows = new List<IReadOnlyList<double>>();
        int next = 1;
        foreach (IReadOnlyList<PartChoice> choices in space.Choices)
        {
            rows.Add([.. values.Skip(next).Take(choices.Count)]);
            next += choices.Count;
        }
        return new LatencyTable(values[0], rows);
    }

    /// <summary>Milliseconds by model and node, with the whole float model's time.</summary>
    private static (double FloatMs, Dictionary<string, double>[] Nodes) Times(
        List<MeasuredSession> sessions, FloatTensor image, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var runs = sessions.ConvertAll(_ => new List<IReadOnlyList<OperationTime>>());
        var wholes = new List<double>();
        int count = RunsOf(() => sessions.ForEach(session => session.Profile(image, cancellationToken)));
        for (int run = 0; run < count; run++)
        {
            long started = Stopwatch.GetTimestamp();
            sessions[0].Run(image, cancellationToken);
            wholes.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            for (int i = 0; i < sessions.Count; i++)
                runs[i].Add(sessions[i].Profile(image, cancellationToken));
            progress?.Report(new WorkProgress("timing operations", run + 1L, count));
        }
        return (Undisturbed(wholes), [.. runs.Select(ByNode)]);
    }

    /// <summary>Warms up, and says how often to run.</summary>
    private static int RunsOf(Action round)
    {
        TimeSpan shortest = TimeSpan.MaxValue;
        for (int i = 0; i < WarmUp; i++)
        {
            long started = Stopwatch.GetTimestamp();
            round();
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            shortest = time < shortest ? time : shortest;
        }
        return (int)Math.Clamp(UsualTime / shortest, LeastRuns, MostRuns);
    }

    private static Dictionary<string, double> ByNode(List<IReadOnlyList<OperationTime>> runs)
    {
        var nodes = new Dictionary<string, double>();
        foreach ((int operation, OperationTime first) in runs[0].Index())
        {
            double time = Undisturbed(runs.Select(run => run[operation].Time.TotalMilliseconds));
            nodes[first.Node] = nodes.GetValueOrDefault(first.Node) + time;
        }
        return nodes;
    }

    private static LatencyTable FromTimes(
        SearchSpace space, (double FloatMs, Dictionary<string, double>[] Nodes) times)
    {
        IReadOnlyList<TimedMixture> timed = space.Timed;
        // Operations that are timed one by one take a little longer than in a run.
        double scale = times.FloatMs / times.Nodes[0].Values.Sum();
        return new LatencyTable(
            times.FloatMs,
            [
                .. space.Choices.Select((choices, part) => (IReadOnlyList<double>)
                    [.. choices.Select((_, choice) => choice == 0 ? 0 : Difference(part, choice))]),
            ]);

        double Difference(int part, int choice)
        {
            TimedMixture one = timed.First(
                entry => entry.Kind == space.Parts[part].Kind && entry.Mixture[part] == choice);
            return scale * (Ms(part, one) - Ms(part, timed.First(entry => entry.Mixture.SequenceEqual(one.Beside))));
        }

        double Ms(int part, TimedMixture mixture)
        {
            Dictionary<string, double> nodes = times.Nodes[timed.Index().First(entry => entry.Item == mixture).Index];
            return space.Parts[part].Segment.Nodes.Sum(node => nodes.GetValueOrDefault(node.Name));
        }
    }

    private static double Undisturbed(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 10];
    }
}
