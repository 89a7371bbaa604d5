using Bitis.Checkpoints;
using Bitis.Checkpoints.Folders;
using Bitis.Data.Decoding;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Detection;
using Bitis.Models.Families;
using Bitis.Models.Graphs;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A float32 model: architecture, weights and preprocessing.</summary>
public sealed class VisionModel
{
    private VisionModel(ModelConfig config, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        Config = config;
        Graph = graph;
        Weights = weights;
        Preprocessing = config.UsualPreprocessing;
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>The model's graph of operators.</summary>
    public Graph Graph { get; }

    /// <summary>The parameters, by their names in the graph.</summary>
    public IReadOnlyDictionary<string, FloatTensor> Weights { get; }

    /// <summary>How images become the model's input.</summary>
    public Preprocessing Preprocessing { get; private init; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; private init; }

    /// <summary>The files that the model was loaded from; empty if it was not loaded.</summary>
    public IReadOnlyList<string> Files { get; private init; } = [];

    /// <summary>What users should know about how the file was read, one sentence each.</summary>
    /// <remarks>
    /// For example which weights were chosen, and what was left over or assumed. Empty for models that were not loaded,
    /// and for files that describe themselves.
    /// </remarks>
    public IReadOnlyList<string> Notices { get; private init; } = [];

    /// <summary>
    /// Loads an official checkpoint (safetensors or PyTorch), or a file that <see cref="Save"/> wrote.
    /// </summary>
    /// <remarks>No code in a checkpoint is run.</remarks>
    /// <param name="path">The file, the index of a checkpoint in several files, or a folder with one of these.</param>
    /// <param name="options">What the file does not tell; null for nothing.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">
    /// The file cannot be read, is not a supported model, or a tensor is missing, has another shape, or is not finite.
    /// </exception>
    public static VisionModel Load(
        string path, ModelOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ModelOptions.Default;
        using Checkpoint checkpoint = OpenCheckpoint(path, options, cancellationToken);
        var match = CheckpointMatch.Of(checkpoint, path, options);
        Dictionary<string, FloatTensor> weights = match.ReadWeights(cancellationToken);
        try
        {
            ScanRates.Validate(match.StoredGraph, weights);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{path}: {e.Message}", e);
        }
        VisionModel model = new VisionModel(match.Detection.StoredConfig, match.StoredGraph, weights)
            .WithImageSize(match.Detection.Config.ImageSize)
            .WithPreprocessing(match.Detection.Preprocessing);
        return new VisionModel(model.Config, model.Graph, model.Weights)
        {
            Preprocessing = model.Preprocessing,
            ClassNames = match.Detection.ClassNames,
            Notices = match.Notices,
            Files = checkpoint.Files,
        };
    }

    /// <summary>Loads a trained model of the package Bitis.Models (models/README.md).</summary>
    /// <param name="name">Its name: <c>vim-micro-builtin</c>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">
    /// The name is unknown, and the message lists the names; or the program has no models, and the message says which
    /// package to add.
    /// </exception>
    public static VisionModel LoadShipped(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Load(ShippedModels.Require(name), options: null, cancellationToken);
    }

    /// <summary>
    /// Opens a model's file without loading it; a file that Bitis wrote is checked against its digest first.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where the weights are.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">The file cannot be read, or does not match its digest.</exception>
    public static Checkpoint OpenCheckpoint(
        string path, ModelOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ShardName.RequireWhole(path);
        Checkpoint checkpoint = Checkpoint.Open(path, options.WeightsKey, ModelFamilies.Marks);
        try
        {
            VisionModelFile.Verify(checkpoint, cancellationToken);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>A model with fresh weights, distributed as in the official code.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <exception cref="BitisException">The architecture's values contradict each other.</exception>
    public static VisionModel CreateRandom(ModelConfig config, ulong seed)
    {
        config.Validate();
        return new VisionModel(config, config.BuildGraph(), config.CreateWeights(seed));
    }

    /// <summary>A model from a graph. Its file carries the graph, and runs without the code that built it.</summary>
    /// <param name="graph">A graph from a square image to a logit for each class.</param>
    /// <param name="weights">All parameters of the graph, by name, and no others.</param>
    /// <param name="preprocessing">
    /// How images become the input; null for the usual preprocessing for their size.
    /// </param>
    /// <param name="classNames">The classes' names, by index; null if unknown.</param>
    /// <exception cref="ArgumentException">
    /// A weight is missing, has another shape, or is not a parameter of the graph.
    /// </exception>
    /// <exception cref="BitisException">The graph has another input or output, or a weight is not finite.</exception>
    public static VisionModel FromGraph(
        Graph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        Preprocessing? preprocessing = null,
        IReadOnlyList<string>? classNames = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var config = new GraphConfig(graph);
        Graph own = config.BuildGraph();
        HashSet<string> known = [.. own.Parameters.Select(parameter => parameter.Name)];
        if (weights.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
            throw new ArgumentException($"'{unknown}' is no parameter of the graph.", nameof(weights));
        VisionModel model = new VisionModel(config, own, weights).WithWeights(weights);
        foreach ((string name, FloatTensor weight) in weights)
        {
            if (Checkpoint.FindNonFinite(weight) is { } index)
            {
                throw new BitisException(
                    $"The weight '{name}' holds {weight.Span[index]} at element {index}; expected finite numbers.");
            }
        }
        ScanRates.Validate(own, weights);
        model = preprocessing is null ? model : model.WithPreprocessing(preprocessing);
        return classNames is null ? model : model.WithClassNames(classNames);
    }

    /// <summary>A model that a file of another format describes.</summary>
    /// <param name="description">The architecture, the preprocessing and the classes' names.</param>
    /// <param name="graph">The graph of the architecture.</param>
    /// <param name="weights">All parameters of the graph, by name.</param>
    /// <param name="file">The file.</param>
    /// <param name="notices">What users should know about how it was read.</param>
    internal static VisionModel FromDescription(
        ModelDescription description, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, string file,
        IReadOnlyList<string> notices)
    {
        ScanRates.Validate(graph, weights);
        return new VisionModel(description.Config, graph, weights)
        {
            Preprocessing = description.Preprocessing,
            ClassNames = description.ClassNames,
            Files = [file],
            Notices = notices,
        };
    }

    /// <summary>The same model with other weights.</summary>
    /// <param name="weights">All parameters, by name.</param>
    /// <exception cref="ArgumentException">A parameter is missing or has another shape.</exception>
    public VisionModel WithWeights(IReadOnlyDictionary<string, FloatTensor> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        foreach ((string name, Shape shape) in Graph.Parameters)
        {
            if (!weights.TryGetValue(name, out FloatTensor? weight) || weight?.Shape != shape)
                throw new ArgumentException($"The model needs '{name}' {shape}.", nameof(weights));
        }
        return new VisionModel(Config, Graph, weights) { Preprocessing = Preprocessing, ClassNames = ClassNames };
    }

    /// <summary>
    /// The same model for images of another size. Its position embedding is resized (bicubic); other weights are
    /// shared.
    /// </summary>
    /// <param name="size">Height and width of the images, in pixels.</param>
    /// <exception cref="BitisException">
    /// The model has no position embedding to resize, or cannot have this size.
    /// </exception>
    public VisionModel WithImageSize(int size)
    {
        if (size == Config.ImageSize)
            return this;
        ModelConfig resized = Config.WithImageSize(size);
        PositionEmbedding positions = Config.Positions!;
        FloatTensor embedding = PositionResampler.Resize(Weights[positions.Parameter], positions, resized.Positions!);
        var weights = new Dictionary<string, FloatTensor>(Weights) { [positions.Parameter] = embedding };
        return new VisionModel(resized, resized.BuildGraph(), weights)
        {
            Preprocessing = Preprocessing.Resized(size),
            ClassNames = ClassNames,
        };
    }

    /// <summary>The same backbone for other classes: the head (the graph's last layer) has fresh weights.</summary>
    /// <remarks>Of a model that segments, the last layer of each head is fresh. All other weights are shared.</remarks>
    /// <param name="classes">The number of classes.</param>
    /// <param name="seed">The same seed gives the same head.</param>
    /// <exception cref="BitisException">
    /// The number of classes cannot be changed, or the head shares a parameter with another layer.
    /// </exception>
    public VisionModel WithNewHead(int classes, ulong seed)
    {
        RequireHeadOfItsOwn();
        VisionModel fresh = CreateRandom(Config.WithClasses(classes), seed);
        IReadOnlyList<string> heads = HeadParameters;
        Dictionary<string, FloatTensor> weights = fresh.Graph.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter =>
                (heads.Contains(parameter.Name) ? fresh : this).Weights[parameter.Name]);
        return new VisionModel(fresh.Config, fresh.Graph, weights) { Preprocessing = Preprocessing };
    }

    /// <summary>The parameters that have a row for each class.</summary>
    internal IReadOnlyList<string> HeadParameters => [.. Heads.SelectMany(head => head.ParameterNames)];

    private IEnumerable<Node> Heads => Config is IDenseConfig dense
        ? dense.LearningHeads(Config.ImageSize, Config.ImageSize).Select(head => Graph[head.Node])
        : [Graph.Output];

    /// <summary>The same model with the names of its classes.</summary>
    /// <exception cref="ArgumentException">The number of names differs from the number of classes.</exception>
    public VisionModel WithClassNames(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Any(name => name is null))
            throw new ArgumentException("A class has no name.", nameof(names));
        if (names.Count != Config.Classes)
            throw new ArgumentException($"{names.Count} names for {Config.Classes} classes.", nameof(names));
        return new VisionModel(Config, Graph, Weights) { Preprocessing = Preprocessing, ClassNames = names };
    }

    /// <summary>The same model with another preprocessing.</summary>
    /// <exception cref="BitisException">
    /// The values contradict each other, or do not give images of the model's size.
    /// </exception>
    public VisionModel WithPreprocessing(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        preprocessing.Validate();
        if (preprocessing.CropSize != Config.ImageSize)
        {
            throw new BitisException(
                $"The preprocessing makes images of {preprocessing.CropSize} pixels; the model takes "
                + $"{Config.ImageSize}.");
        }

        if (preprocessing.Channels != Config.ImageChannels)
        {
            string channels = DisplayText.Count(preprocessing.Channels, "channel");
            throw new BitisException(
                $"The preprocessing makes images of {channels}; the model takes {Config.ImageChannels}.");
        }
        return new VisionModel(Config, Graph, Weights) { Preprocessing = preprocessing, ClassNames = ClassNames };
    }

    /// <summary>Writes a safetensors file that <see cref="Load"/> reads.</summary>
    /// <remarks>
    /// It has the weights under their official names. The metadata have the architecture, the preprocessing and the
    /// classes' names.
    /// </remarks>
    /// <param name="path">The file. An existing one is replaced once the new one is complete.</param>
    /// <param name="notes">Additional metadata, such as how the model was made.</param>
    /// <param name="cancellationToken">Ends the writing; an existing file stays as it was.</param>
    /// <exception cref="ArgumentException">A note has a name that the format reserves.</exception>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void Save(
        string path,
        IReadOnlyDictionary<string, string>? notes = null,
        CancellationToken cancellationToken = default) =>
        VisionModelFile.Save(this, path, notes ?? new Dictionary<string, string>(), cancellationToken);

    /// <summary>The bytes of the parameters.</summary>
    internal long WeightBytes => Weights.Values.Sum(weight => (long)weight.Length * sizeof(float));

    /// <summary>The part that answers, with batch norms as part of the layers before them.</summary>
    /// <remarks>Quantization starts from it: its weights are those that sessions compute with.</remarks>
    internal VisionModel Folded()
    {
        NormFolding folding = NormFolding.OfAnswer(Graph);
        if (folding.Graph == Graph)
            return this;
        IReadOnlyDictionary<string, FloatTensor> weights = folding.WeightsOf(Weights);
        return new VisionModel(
            Config, folding.Graph,
            folding.Graph.Parameters.ToDictionary(parameter => parameter.Name, parameter => weights[parameter.Name]))
        {
            Preprocessing = Preprocessing,
            ClassNames = ClassNames,
        };
    }

    /// <summary>Checks that no other layer shares the head's parameters.</summary>
    private void RequireHeadOfItsOwn()
    {
        foreach ((Node head, string parameter) in Heads.SelectMany(head => head.ParameterNames, (h, name) => (h, name)))
        {
            if (Graph.OtherUserOf(parameter, head) is { } other)
            {
                throw new BitisException(
                    $"The head '{head.Name}' shares the parameter '{parameter}' with '{other.Name}', "
                    + "which a new head would change. Give each of them a parameter of its own.");
            }
        }
    }
}
