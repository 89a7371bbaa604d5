using System.Diagnostics;
using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Tensors;
using Bitis.Training;
using Bitis.Training.Optimization;

namespace Bitis.Benchmarks;

/// <summary>
/// Where the time of a training step goes, exact and with a low-bit backward pass: by operation and phase, with
/// the optimizer. Steps on one thread and on several take turns.
/// </summary>
internal static class StepProfileBenchmark
{
    private const int Classes = 10;

    /// <summary>Prints a table for each model.</summary>
    /// <param name="models">Small models, or published variants.</param>
    /// <param name="policy">What is compared with the exact step, as <see cref="BackwardPolicyText"/> takes it.</param>
    /// <param name="threads">How many threads are compared with one; 1 for no comparison.</param>
    public static void Run(IEnumerable<string> models, string policy, int threads)
    {
        foreach (string name in models)
        {
            ModelConfig config = ModelCatalogue.Variants.FirstOrDefault(variant => variant.Name == name)?.Config
                ?? SmallModels.Get(name, Classes);
            Measure(name, config, policy, threads > 1 ? [1, threads] : [1]);
        }
    }

    private static void Measure(string name, ModelConfig config, string policy, int[] threadCounts)
    {
        bool isSmall = config.ImageSize <= 64;
        int batch = isSmall ? 64 : 8, rounds = isSmall ? 21 : 9, warmUp = isSmall ? 4 : 2;
        Subject[] subjects =
        [
            .. threadCounts.SelectMany(threads => new[] { "exact", policy }
                .Select(method => new Subject(config, method, batch, threads))),
        ];
        for (int round = -warmUp; round < rounds; round++)
        {
            foreach (Subject subject in subjects)
                subject.Step(isCounted: round >= 0);
        }
        Console.WriteLine($"{name}, a step of {batch} images, medians of {rounds} steps:");
        Console.WriteLine();
        Console.WriteLine($"| threads | exact | {policy} | times as fast |");
        Console.WriteLine("|---|---|---|---|");
        foreach (Subject[] pair in subjects.Chunk(2))
        {
            (double exact, double lowBit) = (pair[0].Median, pair[1].Median);
            Console.WriteLine($"| {pair[0].Threads} | {exact:F1} ms | {lowBit:F1} ms | {exact / lowBit:F3} |");
        }
        Console.WriteLine();
        WriteParts(subjects, rounds);
        foreach (Subject subject in subjects)
            subject.Dispose();
    }

    /// <summary>The milliseconds of each operation and phase, added over the threads.</summary>
    private static void WriteParts(Subject[] subjects, int rounds)
    {
        Console.WriteLine($"| ms in a step | {string.Join(" | ", subjects.Select(subject => subject.Label))} |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---|", subjects.Length))}");
        Dictionary<string, double>[] columns = [.. subjects.Select(subject => subject.Rows(rounds))];
        foreach (string row in columns.SelectMany(column => column.Keys).Distinct().OrderByDescending(
            row => columns.Max(column => column.GetValueOrDefault(row))))
        {
            IEnumerable<string> cells = columns.Select(column => $"{column.GetValueOrDefault(row):F2}");
            Console.WriteLine($"| {row} | {string.Join(" | ", cells)} |");
        }
        Console.WriteLine();
    }

    /// <summary>A training with its own weights.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly VisionModel _model;
        private readonly GradientExecutor _executor;
        private readonly AdamW _optimizer;
        private readonly WeightAverage _average;
        private readonly FloatTensor _images, _targets;
        private readonly List<double> _milliseconds = [];
        private readonly OperationTimes _times = new();
        private int _steps;

        public Subject(ModelConfig config, string policy, int batch, int threads)
        {
            (Threads, Label) = (threads, threads == 1 ? policy : $"{policy}, {threads} threads");
            _model = VisionModel.CreateRandom(config, seed: 1);
            _executor = new GradientExecutor(
                _model.Graph, _model.Weights, threads, BackwardPolicyText.Parse(policy));
            var recipe = new TrainingRecipe { Model = "a model" };
            _optimizer = new AdamW(_model.Graph, recipe);
            _average = new WeightAverage(_model.Graph, _model.Weights, recipe.AverageDecay);
            _images = RandomModel.Images(_model, batch);
            _targets = new FloatTensor([batch, config.Classes]);
            for (int i = 0; i < batch; i++)
                _targets.Span[(i * config.Classes) + (i % config.Classes)] = 1;
        }

        /// <summary>How many threads compute.</summary>
        public int Threads { get; }

        /// <summary>The method, and the threads if there are several.</summary>
        public string Label { get; }

        /// <summary>The milliseconds of a step without measuring its parts.</summary>
        public double Median => _milliseconds.Order().ElementAt(_milliseconds.Count / 2);

        /// <summary>Takes a step for the whole time, and another one for that of the parts.</summary>
        public void Step(bool isCounted)
        {
            long start = Stopwatch.GetTimestamp();
            Step();
            if (isCounted)
                _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            _executor.Times = isCounted ? _times : null;
            Step();
            _executor.Times = null;
        }

        /// <summary>The milliseconds of each part of a step.</summary>
        public Dictionary<string, double> Rows(int steps) =>
            _times.Phases.Select(entry => (
                    Row: $"{entry.Kind} {(entry.IsBackward ? "backward" : "forward")}"
                        + (entry.Phase.Length > 0 ? $": {entry.Phase}" : ""),
                    entry.Time))
                .Concat(_times.Stages.Select(entry => (Row: entry.Stage, entry.Time)))
                .ToDictionary(entry => entry.Row, entry => entry.Time.TotalMilliseconds / steps);

        public void Dispose() => _executor.Dispose();

        private void Step()
        {
            _executor.Run(_images, _targets, (ulong)_steps++);
            long began = OperationTimes.Now;
            double factor = GradientClipping.Factor(GradientClipping.Norm(_executor.Gradients, Threads), maximum: 1);
            _optimizer.Step(_model.Weights, _executor.Gradients, _steps, learningRate: 1e-4, factor, Threads);
            _executor.Times?.AddStage("optimizer", began);
            began = OperationTimes.Now;
            foreach (FloatTensor weight in _model.Weights.Values)
                _ = TensorPrimitives.IsFiniteAll<float>(weight.Span);
            _average.Add(_model.Weights, _steps, Threads);
            _executor.Times?.AddStage("finite weights, average", began);
        }
    }
}
