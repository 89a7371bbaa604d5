using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.Vim;

/// <summary>Reads a Vim's architecture from the names and shapes of its tensors.</summary>
internal sealed class VimDetector(CheckpointTensors tensors)
{
    /// <summary>The training script's name for the model, if it is one of the official long names.</summary>
    /// <remarks>
    /// It tells what the shapes do not:
    /// <c>vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_midclstok_div2</c>.
    /// </remarks>
    private readonly string? _officialName =
        tensors.Metadata.GetValueOrDefault("args.model") is { } name && name.Contains("_patch")
            && name.Contains("_bimambav2")
            ? name
            : null;

    public VimConfig Read()
    {
        RefuseUnknownForms();
        Shape patches = tensors.Require("patch_embed.proj.weight", 4); // [D, channels, patch, patch]
        Shape aLog = tensors.Require("layers.0.mixer.A_log", 2); // [E, N]
        bool hasClassToken = tensors.Has("cls_token");
        int patchSize = patches[2];
        int grid = tensors.GridSide("pos_embed", hasClassToken);
        int stride = Stride(patchSize, grid);
        return new VimConfig
        {
            ImageSize = (grid - 1) * stride + patchSize,
            ImageChannels = patches[1],
            PatchSize = patchSize,
            Stride = stride,
            Width = patches[0],
            InnerWidth = aLog[0],
            StateSize = aLog[1],
            DeltaRank = tensors.Require("layers.0.mixer.dt_proj.weight", 2)[1],
            ConvKernelSize = tensors.Require("layers.0.mixer.conv1d.weight", 3)[2],
            Depth = tensors.Count(i => $"layers.{i}.mixer.A_log"),
            Classes = tensors.Require("head.weight", 2)[0],
            ClassToken = hasClassToken ? ClassToken() : ClassTokenPosition.None,
            HalvesDirections = HalvesDirections(),
            Norm = tensors.Has("norm_f.bias") ? NormKind.Layer : NormKind.Rms,
        };
    }

    private void RefuseUnknownForms()
    {
        foreach (string name in tensors.Shapes.Keys)
        {
            if (name.StartsWith("rope.", StringComparison.Ordinal))
                throw Unsupported(name, "rotary positions");
            if (name is "cls_token_head" or "cls_token_tail")
                throw Unsupported(name, "two class tokens");
            if (name.EndsWith(".gamma", StringComparison.Ordinal))
                throw Unsupported(name, "layer scale");
        }
        if (!tensors.Has("pos_embed"))
            throw tensors.Refusal("tensor 'pos_embed' is missing: Bitis runs Vim models with absolute positions.");
    }

    private BitisException Unsupported(string name, string form) =>
        tensors.Refusal(
            $"tensor '{name}' belongs to a Vim with {form}, a form that no published model has and Bitis does not "
            + "run.");

    private int Stride(int patchSize, int grid)
    {
        if (tensors.Options.Stride is { } chosen)
        {
            if (chosen < 1 || chosen > patchSize)
            {
                throw tensors.Refusal(
                    $"a stride of {chosen} does not fit patches of {patchSize} pixels (1 to {patchSize}).");
            }
            return chosen;
        }
        if (NumberAfter("stride") is { } named && named >= 1 && named <= patchSize)
            return named;
        // The published models with overlapping patches: 27×27 patches of 16 pixels, 8 apart, in 224 pixels.
        if (patchSize == 16 && grid == 27)
            return tensors.Assume(8, "patches are 8 pixels apart, as in the published Vim+ models (--stride)");
        return _officialName is not null ? patchSize : tensors.Assume(patchSize, "patches do not overlap (--stride)");
    }

    private ClassTokenPosition ClassToken()
    {
        if (tensors.Options.ClassToken is { } chosen)
        {
            return chosen != ClassTokenPosition.None
                ? chosen
                : throw tensors.Refusal(
                    "the checkpoint has a class token ('cls_token'); --class-token takes 'first' or 'middle' here.");
        }
        if (_officialName is null)
        {
            return tensors.Assume(
                ClassTokenPosition.Middle,
                "the class token is in the middle, as in the published models (--class-token)");
        }

        return _officialName.Contains("midclstok") || _officialName.Contains("middle_cls_token")
            ? ClassTokenPosition.Middle
            : ClassTokenPosition.First;
    }

    private bool HalvesDirections()
    {
        if (tensors.Options.HalvesDirections is { } chosen)
            return chosen;
        // Every published name contains "div2", which means halving, and the official class halves by default.
        return _officialName is not null
            || tensors.Assume(
                true, "the sum of the two directions is halved, as in the published models (--no-halving)");
    }

    private int? NumberAfter(string word)
    {
        int start = _officialName?.IndexOf(word, StringComparison.Ordinal) ?? -1;
        if (start < 0)
            return null;
        string digits = new([.. _officialName![(start + word.Length)..].TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, out int number) ? number : null;
    }
}
