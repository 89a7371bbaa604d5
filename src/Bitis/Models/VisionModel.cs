using Bitis.Checkpoints;
using Bitis.Checkpoints.Folders;
using Bitis.Data.Decoding;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Detection;
using Bitis.Models.Families;
using Bitis.Models.Graphs;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A float32 model: architecture, weights, and the preprocessing that belongs to it.</summary>
public sealed class VisionModel
{
    private VisionModel(ModelConfig config, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        Config = config;
        Graph = graph;
        Weights = weights;
        Preprocessing = Preprocessing.ForSize(config.ImageSize, config.ImageChannels);
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>The model as operators.</summary>
    public Graph Graph { get; }

    /// <summary>
    /// The parameters, by their name in the graph; <see cref="CheckpointLayout"/> relates them to the official
    /// checkpoint's tensors.
    /// </summary>
    public IReadOnlyDictionary<string, FloatTensor> Weights { get; }

    /// <summary>How images become the model's input.</summary>
    public Preprocessing Preprocessing { get; private init; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; private init; }

    /// <summary>The files that it was loaded from; empty for models that were not loaded.</summary>
    public IReadOnlyList<string> Files { get; private init; } = [];

    /// <summary>
    /// What people should know of how the file was read: which weights were chosen, what was left over or assumed, a
    /// sentence each. Empty for models that were not loaded, and for files that describe themselves.
    /// </summary>
    public IReadOnlyList<string> Notices { get; private init; } = [];

    /// <summary>
    /// Loads an official checkpoint, safetensors or PyTorch in any of its file forms, or what <see cref="Save"/> wrote.
    /// </summary>
    /// <remarks>No code in it is run.</remarks>
    /// <param name="path">The file, the index of several, or a folder that has one of them.</param>
    /// <param name="options">What cannot be read off the file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">
    /// The file cannot be read, no supported model has such tensors, or one is missing, of another shape, or not a
    /// number.
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
    /// There is none of this name, and the message lists the names; or the program has no models, and the message says
    /// which package to add.
    /// </exception>
    public static VisionModel LoadShipped(string name, CancellationToken cancellationToken = default) =>
        Load(ShippedModels.Require(name), options: null, cancellationToken);

    /// <summary>
    /// Opens a model's file without loading it; one that describes itself is compared with its digest first.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where the weights are.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">The file cannot be read, or is not what was written.</exception>
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

    /// <summary>A model with fresh weights, distributed as the official code initializes them.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <exception cref="BitisException">The values of the architecture do not fit each other.</exception>
    public static VisionModel CreateRandom(ModelConfig config, ulong seed)
    {
        config.Validate();
        return new VisionModel(config, config.BuildGraph(), config.CreateWeights(seed));
    }

    /// <summary>
    /// A model that no family describes: its file carries its graph, and runs without the code that built it.
    /// </summary>
    /// <param name="graph">Takes a square image, and answers with a logit for each class.</param>
    /// <param name="weights">The graph's parameters, by name, and nothing else.</param>
    /// <param name="preprocessing">How images become the input; null for what is usual for their size.</param>
    /// <param name="classNames">The classes' names, by index; null if unknown.</param>
    /// <exception cref="ArgumentException">A weight is missing, of another shape, or no parameter of the
    /// graph.</exception>
    /// <exception cref="BitisException">The graph takes or answers something else, or a weight is not a finite
    /// number.</exception>
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

    /// <summary>The same model with other weights.</summary>
    /// <param name="weights">All parameters, by name.</param>
    /// <exception cref="ArgumentException">One is missing or of another shape.</exception>
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
    /// The same model for images of another size: its position embedding is resized (bicubic), all other weights are
    /// shared.
    /// </summary>
    /// <param name="size">Height and width of the images, in pixels.</param>
    /// <exception cref="BitisException">The model has no position embedding that could be resized, or cannot have this
    /// size.</exception>
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

    /// <summary>
    /// The same backbone for other classes: the head, which is the graph's last layer, has fresh weights.
    /// </summary>
    /// <remarks>The weights of all else are shared.</remarks>
    /// <param name="classes">How many classes the head tells apart.</param>
    /// <param name="seed">The same seed gives the same head.</param>
    /// <exception cref="BitisException">
    /// The head cannot have other classes, or shares a parameter with another layer.
    /// </exception>
    public VisionModel WithNewHead(int classes, ulong seed)
    {
        RequireHeadOfItsOwn();
        VisionModel fresh = CreateRandom(Config.WithClasses(classes), seed);
        Dictionary<string, FloatTensor> weights = fresh.Graph.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter =>
                (fresh.Graph.Output.ParameterNames.Contains(parameter.Name) ? fresh : this).Weights[parameter.Name]);
        return new VisionModel(fresh.Config, fresh.Graph, weights) { Preprocessing = Preprocessing };
    }

    /// <summary>The same model with the names of its classes.</summary>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public VisionModel WithClassNames(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Any(name => name is null))
            throw new ArgumentException("A class has no name.", nameof(names));
        if (names.Count != Config.Classes)
            throw new ArgumentException($"{names.Count} names for {Config.Classes} classes.", nameof(names));
        return new VisionModel(Config, Graph, Weights) { Preprocessing = Preprocessing, ClassNames = names };
    }

    /// <summary>The same model for images that are prepared in another way.</summary>
    /// <exception cref="BitisException">The values do not fit each other, or the images would not have the model's
    /// size.</exception>
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

    /// <summary>
    /// Writes a safetensors file: the weights under their official names, and in the metadata the architecture, the
    /// preprocessing and the classes' names, which <see cref="Load"/> reads back.
    /// </summary>
    /// <param name="path">The file; an older one is replaced when the new one is complete.</param>
    /// <param name="notes">More entries for the metadata, such as how the model was made.</param>
    /// <param name="cancellationToken">Ends the writing; an older file stays as it was.</param>
    /// <exception cref="ArgumentException">A note has a name that the format uses.</exception>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void Save(
        string path,
        IReadOnlyDictionary<string, string>? notes = null,
        CancellationToken cancellationToken = default) =>
        VisionModelFile.Save(this, path, notes ?? new Dictionary<string, string>(), cancellationToken);

    /// <summary>A new head must change nothing but the head.</summary>
    private void RequireHeadOfItsOwn()
    {
        Node head = Graph.Output;
        foreach (string parameter in head.ParameterNames)
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
