using System.Text.RegularExpressions;

namespace Bitis.Models.VMamba;

/// <summary>The names that VMamba's older training code wrote, and those of today's.</summary>
internal static partial class VMambaOldNames
{
    /// <summary>Today's name of a tensor.</summary>
    public static string Today(string name) => name switch
    {
        _ when name.StartsWith("norm.", StringComparison.Ordinal)
            || name.StartsWith("head.", StringComparison.Ordinal) =>
            $"classifier.{name}",
        _ when name.StartsWith("patch_embed.proj.", StringComparison.Ordinal) =>
            $"patch_embed.0.{name["patch_embed.proj.".Length..]}",
        _ when name.StartsWith("patch_embed.norm.", StringComparison.Ordinal) =>
            $"patch_embed.2.{name["patch_embed.norm.".Length..]}",
        _ => InBlock().Replace(
            name, match => $"{match.Groups["block"].Value}.{(match.Groups["part"].Value == "ln_1" ? "norm" : "op")}."),
    };

    [GeneratedRegex(
        @"^(?<block>layers\.\d+\.blocks\.\d+)\.(?<part>ln_1|self_attention)\.", RegexOptions.NonBacktracking)]
    private static partial Regex InBlock();
}
