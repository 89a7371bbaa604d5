using System.Text.Json;
using Bitis.Models.Graphs;
using Bitis.Models.LocalMamba;
using Bitis.Models.Poses;
using Bitis.Models.Reference;
using Bitis.Models.Segmentation;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Models.Families;

/// <summary>The known model families: those of Bitis and those that a program registers.</summary>
internal static class ModelFamilies
{
    private static readonly Lock Registration = new();

    private static ModelFamily[] _all =
    [
        new VimFamily(),
        new VMambaFamily(),
        new LocalVMambaFamily(),
        new LocalVimFamily(),
        new VMambaSegmentationFamily(),
        new VitFamily(),
        new ResNetFamily(),
        new GraphFamily(),
        new PoseFamily(),
    ];

    /// <summary>All families, in the order in which they are tried on a checkpoint.</summary>
    public static IReadOnlyList<ModelFamily> All => _all;

    /// <summary>The names of tensors that show where a model of any family begins.</summary>
    public static IReadOnlyList<string> Marks => [.. _all.SelectMany(family => family.Marks).Distinct()];

    /// <inheritdoc cref="ModelFamily.Register" />
    public static void Add(ModelFamily family)
    {
        lock (Registration)
        {
            ModelFamily? taken =
                _all.FirstOrDefault(known => known.Name == family.Name || known.ConfigType == family.ConfigType);
            if (taken is not null)
            {
                throw new ArgumentException(
                    $"There is a family '{taken.Name}' of {taken.ConfigType.Name} already.", nameof(family));
            }
            _all = [.. _all, family];
        }
    }

    /// <summary>The family of an architecture.</summary>
    /// <exception cref="BitisException">The family was not registered.</exception>
    public static ModelFamily Of(ModelConfig config) =>
        _all.FirstOrDefault(family => family.ConfigType == config.GetType()) ?? throw new BitisException(
            $"No family has architectures of the type {config.GetType().Name}: "
            + "register one first (ModelFamily.Register).");

    /// <summary>The family with a name from a file.</summary>
    /// <exception cref="JsonException">The name is unknown; the message lists the known ones.</exception>
    public static ModelFamily Named(string name) =>
        _all.FirstOrDefault(family => family.Name == name) ?? throw new JsonException(
            $"the model's family '{DisplayText.Of(name)}' is unknown here; "
            + $"known are {string.Join(", ", _all.Select(family => family.Name))}. "
            + Advice);

    /// <summary>What to do about an unknown family.</summary>
    public const string Advice =
        "A model of another family opens where the program registers it (ModelFamily.Register), or anywhere if its "
        + "file was saved with its graph (VisionModel.FromGraph)";

    /// <summary>The family of a checkpoint without a description.</summary>
    /// <exception cref="BitisException">No family recognizes it, or more than one does.</exception>
    public static ModelFamily Recognize(CheckpointTensors tensors)
    {
        IEnumerable<string> examples =
            _all.SelectMany(family => family.Marks.Take(1)).Distinct().Select(name => $"'{name}'");
        if (Marks.Select(tensors.UnreadableRefusal).FirstOrDefault(refusal => refusal is not null) is { } unreadable)
            throw unreadable;
        ModelFamily[] found = [.. _all.Where(family => family.Recognizes(tensors.Shapes))];
        return found switch
        {
            [var family] => family,
            [] => throw tensors.Refusal(
                (_all.Select(family => family.NearMiss(tensors.Shapes)).FirstOrDefault(reason => reason is not null)
                ?? $"none of its {tensors.Shapes.Count} tensors looks like a Vision Mamba: expected names such as "
                + $"{string.Join(" or ", examples)}, "
                + $"found {Examples(tensors.Shapes)}. "
                + "If the weights are under another key of the file, name it with --weights-key.")
                + tensors.UnreadableNote),
            _ => throw tensors.Refusal(
                $"it looks like models of several families: {string.Join(", ", found.Select(family => family.Name))}."),
        };
    }

    private static string Examples(IReadOnlyDictionary<string, Shape> shapes) => shapes.Count == 0
        ? "no tensor at all"
        : string.Join(", ", shapes.Keys.Take(3).Select(name => $"'{name}'"));
}
