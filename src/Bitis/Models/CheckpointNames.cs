using System.Text.RegularExpressions;
using Bitis.Checkpoints;

namespace Bitis.Models;

/// <summary>
/// The names of a checkpoint's tensors in today's official code, which renames those that VMamba's older training code wrote.
/// </summary>
public static partial class CheckpointNames
{
    private const string MarkOfOldVMamba = "layers.0.blocks.0.self_attention.x_proj_weight";

    /// <summary>The tensors of a checkpoint, by their names of today.</summary>
    public static IReadOnlyDictionary<string, CheckpointEntry> Current(IReadOnlyList<CheckpointEntry> entries)
    {
        bool isOld = entries.Any(entry => entry.Name == MarkOfOldVMamba);
        return entries.ToDictionary(entry => isOld ? OfVMamba(entry.Name) : entry.Name);
    }

    private static string OfVMamba(string name) => name switch
    {
        _ when name.StartsWith("norm.", StringComparison.Ordinal) || name.StartsWith("head.", StringComparison.Ordinal) => $"classifier.{name}",
        _ when name.StartsWith("patch_embed.proj.", StringComparison.Ordinal) => $"patch_embed.0.{name["patch_embed.proj.".Length..]}",
        _ when name.StartsWith("patch_embed.norm.", StringComparison.Ordinal) => $"patch_embed.2.{name["patch_embed.norm.".Length..]}",
        _ => InBlock().Replace(name, match => $"{match.Groups["block"].Value}.{(match.Groups["part"].Value == "ln_1" ? "norm" : "op")}."),
    };

    [GeneratedRegex(@"^(?<block>layers\.\d+\.blocks\.\d+)\.(?<part>ln_1|self_attention)\.", RegexOptions.NonBacktracking)]
    private static partial Regex InBlock();
}
