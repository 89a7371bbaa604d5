using System.Text.RegularExpressions;

namespace Bitis.Models;

/// <summary>
/// The names of a checkpoint's tensors in today's official code, which renames those that VMamba's older training code wrote.
/// </summary>
public static partial class CheckpointNames
{
    private const string MarkOfOldVMamba = "layers.0.blocks.0.self_attention.x_proj_weight";

    /// <summary>Brings names up to date.</summary>
    /// <param name="stored">The names that a checkpoint has.</param>
    /// <returns>The stored name of each tensor, by today's.</returns>
    public static IReadOnlyDictionary<string, string> Current(IEnumerable<string> stored)
    {
        string[] names = [.. stored];
        bool isOld = names.Contains(MarkOfOldVMamba);
        return names.ToDictionary(name => isOld ? OfVMamba(name) : name);
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
