using Bitis.Models.Catalogue;
using Bitis.Models.Families;

namespace Bitis.Models.LocalMamba;

/// <summary>The scan directions of a checkpoint's blocks, which its tensors do not tell.</summary>
internal static class PublishedDirections
{
    /// <summary>The directions that the user specifies, or those of a published model of the same shape.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="family">The family, for messages.</param>
    /// <param name="blocks">How many blocks the model has.</param>
    /// <param name="published">The directions of a published variant; null if its shape differs.</param>
    /// <exception cref="BitisException">The specified directions do not fit, or none are known.</exception>
    public static IReadOnlyList<string> Of(
        CheckpointTensors tensors, string family, int blocks, Func<ModelConfig, IReadOnlyList<string>?> published)
    {
        try
        {
            if (tensors.Options.Directions is { } chosen)
                return ScanDirection.ParseAll(chosen, blocks);
        }
        catch (BitisException e)
        {
            throw tensors.Refusal($"--directions: {e.Message}");
        }
        foreach (ModelVariant variant in ModelCatalogue.Variants)
        {
            if (published(variant.Config) is { } directions)
                return tensors.Assume(directions, $"blocks scan in the directions of {variant.Name} (--directions)");
        }
        throw tensors.Refusal(
            $"the weights of a {family} do not tell its scan directions, and no published one has this shape. "
            + $"Name them for each block ({blocks}), or once for all, with --directions "
            + "(h,v_flip,w7,w7_flip/h,h_flip,v,w2/...).");
    }
}
