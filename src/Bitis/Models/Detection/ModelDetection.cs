using Bitis.Models.Catalogue;
using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.Detection;

/// <summary>The model in a checkpoint, read from its description or inferred from names and shapes.</summary>
/// <param name="Config">The architecture of the model that is loaded.</param>
/// <param name="StoredConfig">
/// The architecture of the stored weights. It differs in the size of images if <see cref="ModelOptions.ImageSize"/>
/// asks for another.
/// </param>
/// <param name="Preprocessing">How images become the model's input.</param>
/// <param name="ClassNames">The classes' names, by index; null if unknown.</param>
/// <param name="Variant">The published model with this architecture, if there is one.</param>
/// <param name="Notes">
/// Notes in the metadata about how the model was made; empty for files not written by Bitis.
/// </param>
/// <param name="Assumptions">What was assumed, one sentence each, with the option that changes it.</param>
internal sealed record ModelDetection(
    ModelConfig Config,
    ModelConfig StoredConfig,
    Preprocessing Preprocessing,
    IReadOnlyList<string>? ClassNames,
    ModelVariant? Variant,
    IReadOnlyDictionary<string, string> Notes,
    IReadOnlyList<string> Assumptions)
{
    /// <summary>
    /// Reads the architecture from the metadata, if Bitis wrote the file, or infers it from the tensors.
    /// </summary>
    /// <param name="file">The checkpoint's name, for messages.</param>
    /// <param name="shapes">The tensors: name and shape.</param>
    /// <param name="metadata">
    /// Text beside the weights, such as the training run's arguments (<c>args.model</c>).
    /// </param>
    /// <param name="options">What the user specifies.</param>
    /// <param name="unreadable">Entries that cannot be read as tensors: name and reason.</param>
    /// <exception cref="BitisException">
    /// No supported family has such tensors, or they, the metadata and the options contradict each other.
    /// </exception>
    public static ModelDetection Detect(
        string file,
        IReadOnlyDictionary<string, Shape> shapes,
        IReadOnlyDictionary<string, string> metadata,
        ModelOptions options,
        IReadOnlyDictionary<string, string>? unreadable = null)
    {
        options.Validate();
        if (VisionModelFile.IsDescribed(metadata))
            return Read(file, metadata, options);
        var tensors = new CheckpointTensors(
            file, shapes, metadata, options, unreadable ?? new Dictionary<string, string>());
        ModelFamily family = ModelFamilies.Recognize(tensors);
        ModelConfig config = family.Detect(tensors);
        IReadOnlyList<string>? classNames = family.ClassNamesOf(tensors);
        return FromTensors(
            file, config, classNames?.Count == config.Classes ? classNames : null, tensors.Assumptions, options);
    }

    /// <summary>Infers the architecture from the tensors, with the usual preprocessing for its images.</summary>
    /// <exception cref="BitisException">The values do not describe a model.</exception>
    private static ModelDetection FromTensors(
        string file, ModelConfig config, IReadOnlyList<string>? classNames, IReadOnlyList<string> assumptions,
        ModelOptions options)
    {
        try
        {
            config.Validate();
        }
        catch (BitisException e)
        {
            throw BitisException.InFile(file, e.Message);
        }
        return Resize(file, options, new ModelDetection(
            config,
            config,
            config.UsualPreprocessing,
            classNames,
            ModelCatalogue.Find(config),
            Notes: new Dictionary<string, string>(),
            assumptions));
    }

    /// <summary>Applies the size of images in the options, if the model can have it.</summary>
    /// <exception cref="BitisException">The options do not apply, or contradict the file.</exception>
    private static ModelDetection Resize(string file, ModelOptions options, ModelDetection stored)
    {
        ModelConfig config = stored.Config;
        if (config.Positions is not { } positions || options.ImageSize is not { } size || size == config.ImageSize)
        {
            options.RequireAgreement(file, config);
            return stored;
        }
        (options with { ImageSize = null }).RequireAgreement(file, config);
        try
        {
            ModelConfig resized = config.WithImageSize(size);
            (int from, int to) = (positions.GridSide, resized.Positions!.GridSide);
            string assumption =
                $"'{positions.Parameter}' is resized from {from}×{from} to {to}×{to} patches (--image-size)";
            return stored with
            {
                Config = resized,
                Preprocessing = stored.Preprocessing.Resized(size),
                Variant = null,
                Assumptions = [.. stored.Assumptions, assumption],
            };
        }
        catch (BitisException e)
        {
            throw BitisException.InFile(file, e.Message);
        }
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
        return Resize(file, options, new ModelDetection(
            described.Config,
            described.Config,
            described.Preprocessing,
            described.ClassNames,
            ModelCatalogue.Find(described.Config),
            VisionModelFile.ReadNotes(metadata),
            Assumptions: []));
    }
}
