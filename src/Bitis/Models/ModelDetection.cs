using Bitis.Data;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>What a checkpoint holds, as far as it describes itself, or its names and shapes tell.</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Preprocessing">How images become the model's input.</param>
/// <param name="ClassNames">The classes' names, by index; null if unknown.</param>
/// <param name="Variant">The published model with this architecture, if there is one.</param>
/// <param name="Notes">What else the metadata say of how the model was made; empty for files of others.</param>
/// <param name="Assumptions">What was assumed and not read, one sentence each, with the option that changes it.</param>
public sealed record ModelDetection(
    ModelConfig Config,
    Preprocessing Preprocessing,
    IReadOnlyList<string>? ClassNames,
    ModelVariant? Variant,
    IReadOnlyDictionary<string, string> Notes,
    IReadOnlyList<string> Assumptions)
{
    /// <summary>Reads the architecture from the metadata, if Bitis wrote the file, or infers it from the tensors.</summary>
    /// <param name="file">The checkpoint's name, for messages.</param>
    /// <param name="shapes">The tensors: name and shape.</param>
    /// <param name="metadata">Text beside the weights, such as the training run's arguments (<c>args.model</c>).</param>
    /// <param name="options">What the user knows better.</param>
    /// <exception cref="BitisException">No supported family has such tensors, or they, the metadata and the options contradict each other.</exception>
    public static ModelDetection Detect(
        string file,
        IReadOnlyDictionary<string, Shape> shapes,
        IReadOnlyDictionary<string, string> metadata,
        ModelOptions options)
    {
        options.Validate();
        if (VisionModelFile.IsDescribed(metadata))
            return Read(file, metadata, options);
        if (shapes.ContainsKey("layers.0.mixer.A_b_log"))
            return new VimDetector(file, shapes, metadata, options).Detect();
        if (shapes.ContainsKey("layers.0.blocks.0.op.x_proj_weight"))
            return new VMambaDetector(file, shapes, options).Detect();
        if (shapes.ContainsKey("layers.0.mixer.A_log_0"))
            return new LocalVimDetector(file, shapes, options).Detect();
        throw BitisException.InFile(file, shapes.ContainsKey("layers.0.mixer.A_log")
            ? "this is a Vim with one scan direction; Bitis runs those with two ('bimamba v2')."
            : $"none of its {shapes.Count} tensors looks like a Vision Mamba: expected names such as "
                + $"'layers.0.mixer.in_proj.weight' or 'layers.0.blocks.0.op.in_proj.weight', found {Examples(shapes)}. "
                + "If the weights are under another key of the file, name it with --weights-key.");
    }

    /// <summary>What the tensors alone tell: the architecture, and the preprocessing that is usual for its images.</summary>
    /// <exception cref="BitisException">The values do not describe a model.</exception>
    internal static ModelDetection FromTensors(string file, ModelConfig config, IReadOnlyList<string> assumptions)
    {
        try
        {
            config.Validate();
        }
        catch (BitisException e)
        {
            throw BitisException.InFile(file, e.Message);
        }
        return new ModelDetection(
            config,
            Preprocessing.ForSize(config.ImageSize),
            ClassNames: null,
            ModelCatalogue.Find(config),
            Notes: new Dictionary<string, string>(),
            assumptions);
    }

    private static ModelDetection Read(string file, IReadOnlyDictionary<string, string> metadata, ModelOptions options)
    {
        ModelDescription described;
        try
        {
            described = VisionModelFile.ReadDescription(metadata);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{file}: {e.Message}", e);
        }
        RequireSame(file, "--image-size", options.ImageSize, described.Config.ImageSize);
        if (described.Config is VimConfig vim)
        {
            RequireSame(file, "--stride", options.Stride, vim.Stride);
            RequireSame(file, "--class-token", options.ClassToken, vim.ClassToken);
            RequireSame(file, "--no-halving", options.HalvesDirections, vim.HalvesDirections);
        }
        IReadOnlyList<string>? directions = (described.Config as LocalVimConfig)?.Directions ?? (described.Config as LocalVMambaConfig)?.Directions;
        if (options.Directions is not null && directions is not null && !directions.SequenceEqual(ScanDirection.ParseAll(options.Directions, directions.Count)))
            throw Contradiction(file, "--directions", string.Join('/', directions));
        return new ModelDetection(
            described.Config,
            described.Preprocessing,
            described.ClassNames,
            ModelCatalogue.Find(described.Config),
            VisionModelFile.ReadNotes(metadata),
            Assumptions: []);
    }

    private static void RequireSame<T>(string file, string option, T? chosen, T described)
        where T : struct
    {
        if (chosen is { } value && !value.Equals(described))
            throw Contradiction(file, option, described);
    }

    private static BitisException Contradiction(string file, string option, object described) => BitisException.InFile(
        file, $"{option} contradicts the file, which says how the model was made ({described}); leave the option out.");

    private static string Examples(IReadOnlyDictionary<string, Shape> shapes) => shapes.Count == 0
        ? "no tensor at all"
        : string.Join(", ", shapes.Keys.Take(3).Select(name => $"'{name}'"));
}
