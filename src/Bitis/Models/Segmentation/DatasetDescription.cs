using System.Globalization;
using Bitis.Checkpoints.Safetensors;
using Bitis.Models.Families;

namespace Bitis.Models.Segmentation;

/// <summary>What mmengine's checkpoints say about the data set (<c>meta.dataset_meta</c>).</summary>
/// <param name="Classes">The classes' names; null if unknown.</param>
/// <param name="Palette">The classes' colours, as six hexadecimal digits; empty if unknown.</param>
/// <param name="ReducesZeroLabel">Whether label 0 of ground truth stands for no class.</param>
internal sealed record DatasetDescription(
    IReadOnlyList<string>? Classes, IReadOnlyList<string> Palette, bool ReducesZeroLabel)
{
    private const string Key = "meta.dataset_meta.";

    /// <summary>Reads the description beside the weights. What is missing counts as unknown.</summary>
    public static DatasetDescription Of(CheckpointTensors tensors)
    {
        IReadOnlyList<string>? classes = ListOf(tensors, "classes");
        IReadOnlyList<string> palette = [.. (ListOf(tensors, "palette") ?? []).Select(Hexadecimal).OfType<string>()];
        tensors.Metadata.TryGetValue(Key + "reduce_zero_label", out string? reduces);
        return new DatasetDescription(classes, palette, reduces == "true");
    }

    private static IReadOnlyList<string>? ListOf(CheckpointTensors tensors, string name) =>
        tensors.Metadata.ContainsKey(Key + name)
            ? MetadataJson.Read(tensors.Metadata, Key + name, ModelJson.Default.IReadOnlyListString)
            : null;

    /// <summary>A colour such as <c>[128, 64, 128]</c> in hexadecimal digits; null if it is none.</summary>
    private static string? Hexadecimal(string colour)
    {
        string[] parts = colour.Trim('[', ']').Split(", ");
        byte[] values = new byte[PixelImage.RgbChannels];
        if (parts.Length != values.Length)
            return null;
        for (int i = 0; i < values.Length; i++)
        {
            if (!byte.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]))
                return null;
        }
        return Convert.ToHexStringLower(values);
    }
}
