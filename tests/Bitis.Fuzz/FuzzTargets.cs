using Bitis.Cli;
using Bitis.Cli.Input;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Fuzz;

/// <summary>The files that are changed, and what is done with them: what the commands do.</summary>
internal static class FuzzTargets
{
    /// <summary>More values than a model of this size is run with: the change was to the size of the images.</summary>
    private const long MostValues = 1 << 21;

    /// <summary>Makes the originals.</summary>
    /// <param name="folder">Where there is room for them.</param>
    public static IReadOnlyList<FuzzTarget> Create(string folder)
    {
        var targets = new List<FuzzTarget>();
        foreach ((string name, Recipe recipe) in MicroModels.Recipes)
        {
            string path = Path.Combine(folder, $"{name}.bitis");
            MicroModels.Quantize(name, recipe).Save(path);
            targets.Add(new($"{name}.bitis", Changed(TensorFile.Open(path)), UseQuantized));
        }
        foreach (string name in MicroModels.Configs.Keys)
        {
            string path = Path.Combine(folder, $"{name}.safetensors");
            MicroModels.Create(name).Save(path, new Dictionary<string, string> { ["note"] = "a note" });
            targets.Add(new($"{name}.safetensors", Changed(TensorFile.Open(path)), UseModel));
        }
        targets.Add(new("coded.safetensors", Changed(TensorFile.Open(PlainCheckpoints.WriteCoded(folder))), UseModel));
        targets.Add(new("sharded.index.json", Changed(PlainCheckpoints.WriteShards(folder)), UseModel));
        targets.Add(new("recipe.json", Changed(RecipeText), UseRecipe));
        targets.Add(new("training-recipe.json", Changed(TrainingRecipeText), UseTrainingRecipe));
        string training = Path.Combine(folder, "training");
        targets.Add(new("training.checkpoint", Changed(TensorFile.Open(StartTraining(training))), UseCheckpoint));
        return targets;
    }

    private const string RecipeText = """
        { "method": "qmamba+", "bits": "w4a8", "scope": "full", "activationGranularity": "perToken",
          "settings": { "alpha": 0.5, "smoothing": true,
            "learning": { "steps": 2, "batchSize": 1, "weightRate": 0.01, "activationRate": 0.01,
            "smoothingRate": 0.001 } },
          "estimator": { "name": "percentile", "settings": { "percentile": 99.9 } }, "timeGroups": 3,
          "decay": "longTailed", "overrides": [ { "pattern": "*.x_proj", "bits": "w8a8" }, { "pattern": "layers.0.*",
          "bits": "float" } ] }
        """;

    private const string TrainingRecipeText = """
        { "config": { "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16,
        "depth": 1, "deltaRank": 1, "stateSize": 2,
            "classToken": "middle", "norm": "rms", "classes": 3 },
          "epochs": 1, "batchSize": 3, "learningRate": 0.001, "minLearningRate": 0, "warmUpEpochs": 0.5,
          "weightDecay": 0.05, "beta1": 0.9, "beta2": 0.999,
          "epsilon": 1e-8, "clipNorm": 1, "averageDecay": 0.9, "seed": 3, "evaluationInterval": 1,
          "freeze": [ "patch_embed*" ],
          "backward": { "method": "hlq", "scale": "token", "basis": "patch", "rank": 8, "activationBits": 8,
          "gradientBits": 4,
          "overrides": [ { "pattern": "head", "method": "exact" } ] },
          "augmentation": { "cropPadding": 1, "flip": true, "labelSmoothing": 0.1, "mixupAlpha": 0.2,
          "cutMixAlpha": 1 } }
        """;

    /// <summary>Writes changed copies of a file of tensors, mostly with a right digest.</summary>
    private static Action<string, Random> Changed(TensorFile original) => (path, random) =>
    {
        TensorFile file = original.Clone();
        string[] keys = [.. file.Metadata.Keys.Where(key => key != "sha256").Order(StringComparer.Ordinal)];
        for (int round = random.Next(1, 3); round > 0; round--)
        {
            if (random.Next(2) == 0)
            {
                TensorMutation.Apply(file.Tensors, random);
            }
            else if (random.Next(30) == 0)
            {
                file.Metadata.Remove(keys[random.Next(keys.Length)]);
            }
            else if (keys[random.Next(keys.Length)] is var key && file.Metadata.TryGetValue(key, out string? text))
            {
                file.Metadata[key] = key.StartsWith("bitis_", StringComparison.Ordinal)
                    && random.Next(2) == 0 ? "1" : JsonMutation.Of(text, random);
            }
        }
        if (random.Next(40) != 0)
            file.Sign();
        file.Write(path);
    };

    private static Action<string, Random> Changed(string original) =>
        (path, random) => File.WriteAllText(path, JsonMutation.Of(original, random));

    private static bool UseQuantized(string path, Random random)
    {
        QuantizedModel model = QuantizedModel.Load(path);
        if (!IsSmall(model.Graph))
            return false;
        using (InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 }))
        {
            Run(session, model.Config, random);
        }
        if (random.Next(8) == 0)
            Simulate(model);
        if (random.Next(8) == 0)
        {
            model.Save(path + ".copy");
            QuantizedModel.Load(path + ".copy");
        }
        if (random.Next(16) == 0)
            Command("inspect", path, "--tensors", "--nodes");
        return true;
    }

    private static bool UseModel(string path, Random random)
    {
        VisionModel model = VisionModel.Load(path);
        if (!IsSmall(model.Graph))
            return false;
        using (InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 }))
        {
            Run(session, model.Config, random);
        }
        if (random.Next(4) == 0)
            Differentiate(model, BackwardPolicy.Exact);
        if (random.Next(16) == 0)
        {
            PostTrainingQuantizer.Quantize(
                model,
                CalibrationSet.FromTensors(MicroModels.Images(model.Config, 1)),
                new Recipe { Method = "minmax" },
                new QuantizationOptions { Threads = 1 });
        }

        if (random.Next(16) == 0)
            Command("inspect", path, "--tensors", "--nodes");
        return true;
    }

    private static bool UseRecipe(string path, Random random)
    {
        Recipe recipe = RecipeFile.Load(path);
        VisionModel model = MicroModels.Create("vim");
        recipe.Select(model.Graph);
        bool isQuick = recipe.Behavior.Learning is null or { Steps: <= 2 };
        if (isQuick && random.Next(4) == 0)
        {
            PostTrainingQuantizer.Quantize(
                model,
                CalibrationSet.FromTensors(MicroModels.Images(model.Config, 1)),
                recipe,
                new QuantizationOptions { Threads = 1 });
        }

        return isQuick;
    }

    private static bool UseTrainingRecipe(string path, Random random)
    {
        TrainingRecipe recipe = TrainingRecipeFile.Load(path);
        Graph graph = recipe.ConfigFor(3).BuildGraph();
        recipe.Backward.Select(graph, recipe.Freeze.Count > 0 ? new FrozenLayers(graph, recipe.Freeze) : null);
        if (!IsSmall(graph) || recipe.Epochs > 2
            || graph.Parameters.Sum(parameter => parameter.Shape.ElementCount) > MostValues)
        {
            return false;
        }

        string folder = path + ".training";
        try
        {
            Trainer.Create(
                recipe, new TrainingData(MicroModels.LabeledImages(3), validation: null), folder, threads: 1).Run();
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
        return true;
    }

    private static bool UseCheckpoint(string path, Random random)
    {
        string folder = path + ".training";
        Directory.CreateDirectory(folder);
        try
        {
            File.Copy(path, new TrainingFolder(folder).Checkpoint);
            TrainingRecipe recipe = Trainer.RecipeOf(folder);
            if (recipe.Epochs > 2)
                return false;
            Trainer.Resume(
                recipe, new TrainingData(MicroModels.LabeledImages(3), validation: null), folder, threads: 1).Run();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return true;
    }

    private static string StartTraining(string folder)
    {
        var recipe = new TrainingRecipe
        {
            Config = MicroModels.Configs["vim"],
            Epochs = 2,
            BatchSize = 3,
            AverageDecay = 0.5,
        };
        var trainer = Trainer.Create(
            recipe, new TrainingData(MicroModels.LabeledImages(3), validation: null), folder, threads: 1);
        using var stop = new CancellationTokenSource();
        try
        {
            trainer.Run(new StopAfterFirstStep(stop), stop.Token);
        }
        catch (OperationCanceledException)
        {
            // A checkpoint in the middle of an epoch was wanted.
        }
        return new TrainingFolder(folder).Checkpoint;
    }

    private sealed class StopAfterFirstStep(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => stop.Cancel();
    }

    private static bool IsSmall(Graph graph) => graph.Nodes.Sum(node => node.Shape.ElementCount) <= MostValues;

    private static void Run(InferenceSession session, ModelConfig config, Random random)
    {
        session.Run(MicroModels.Images(config, 1 + random.Next(2)));
        session.Run(new FloatTensor(config.InputShape.Prepend(1)));
        using ImageSource images = new SyntheticImageSource(1, 5, 2, seed: 1);
        session.Classify(images.Read(0));
    }

    private static void Simulate(QuantizedModel model)
    {
        using var evaluator = new VectorizedEvaluator(threads: 1);
        var simulated = new SimulatedEvaluator(evaluator, model.Layers, model.Scans);
        new GraphExecutor(model.Graph, model.DequantizeWeights(), simulated).Run(MicroModels.Images(model.Config, 1));
    }

    private static void Differentiate(VisionModel model, BackwardPolicy policy)
    {
        using var executor = new GradientExecutor(model.Graph, model.Weights, threads: 1, policy);
        FloatTensor targets = new([1, model.Config.Classes]);
        targets.Span[0] = 1;
        executor.Run(MicroModels.Images(model.Config, 1), targets);
    }

    /// <summary>Runs a command line; a fault in it is one here.</summary>
    private static void Command(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = CommandLine.Run(arguments, new CliContext { Output = output, Error = error });
        if (exitCode is not (0 or 2))
        {
            throw new InvalidOperationException(
                $"bitis {string.Join(' ', arguments)} ended with code {exitCode}: {error}");
        }
    }
}
