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
/// Where the time of a training step goes, exact and with a low-bit backward pass: by operation and phase, on one
/// thread, with the optimizer. The two take turns.
/// </summary>
internal static class StepProfileBenchmark
{
    private const int Classes = 10;

    /// <summary>Prints a table for each model.</summary>
    /// <param name="models">Small models, or published variants.</param>
    /// <param name="policy">What is compared with the exact step, as <see cref="BackwardPolicyText"/> takes it.</param>
    public static void Run(IEnumerable<string> models, string policy)
    {
        foreach (string name in models)
        {
            ModelConfig config = ModelCatalogue.Variants.FirstOrDefault(variant => variant.Name == name)?.Config
                ?? SmallModels.Get(name, Classes);
            Measure(name, config, policy);
        }
    }

    private static void Measure(string name, ModelConfig config, string policy)
    {
        bool isSmall = config.ImageSize <= 64;
        int batch = isSmall ? 64 : 8, rounds = isSmall ? 21 : 9, warmUp = isSmall ? 4 : 2;
        Subject[] subjects = [new(config, "exact", batch), new(config, policy, batch)];
        for (int round = -warmUp; round < rounds; round++)
        {
            foreach (Subject subject in subjects)
                subject.Step(isCounted: round >= 0);
        }
        (double exact, double lowBit) = (subjects[0].Median, subjects[1].Median);
        Console.WriteLine(
            $"{name}, a step of {batch} images on one thread, medians of {rounds}: exact {exact:F1} ms, {policy} "
            + $"{lowBit:F1} ms; {exact / lowBit:F3} times as fast");
        Console.WriteLine($"| ms in a step | exact | {policy} | difference |");
        Console.WriteLine("|---|---|---|---|");
        Dictionary<string, double> before = subjects[0].Rows(rounds), after = subjects[1].Rows(rounds);
        foreach (string row in before.Keys.Union(after.Keys).OrderByDescending(
            row => Math.Max(before.GetValueOrDefault(row), after.GetValueOrDefault(row))))
        {
            (double first, double second) = (before.GetValueOrDefault(row), after.GetValueOrDefault(row));
            Console.WriteLine($"| {row} | {first:F2} | {second:F2} | {second - first:+0.00;-0.00} |");
        }
        foreach (Subject subject in subjects)
            subject.Dispose();
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

        public Subject(ModelConfig config, string policy, int batch)
        {
            _model = VisionModel.CreateRandom(config, seed: 1);
            _executor = new GradientExecutor(
                _model.Graph, _model.Weights, threads: 1, BackwardPolicyText.Parse(policy));
            var recipe = new TrainingRecipe { Model = "a model" };
            _optimizer = new AdamW(_model.Graph, recipe);
            _average = new WeightAverage(_model.Graph, _model.Weights, recipe.AverageDecay);
            _images = RandomModel.Images(_model, batch);
            _targets = new FloatTensor([batch, config.Classes]);
            for (int i = 0; i < batch; i++)
                _targets.Span[(i * config.Classes) + (i % config.Classes)] = 1;
        }

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
            double factor = GradientClipping.Factor(GradientClipping.Norm(_executor.Gradients, threads: 1), maximum: 1);
            _optimizer.Step(_model.Weights, _executor.Gradients, _steps, learningRate: 1e-4, factor, threads: 1);
            _executor.Times?.AddStage("optimizer", began);
            began = OperationTimes.Now;
            foreach (FloatTensor weight in _model.Weights.Values)
                _ = TensorPrimitives.IsFiniteAll<float>(weight.Span);
            _average.Add(_model.Weights, _steps, threads: 1);
            _executor.Times?.AddStage("finite weights, average", began);
        }
    }
}
