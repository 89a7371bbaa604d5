using System.Globalization;
using System.Text.RegularExpressions;

namespace Bitis.Checkpoints.Folders;

/// <summary>Recognizes the names of parts of a model: <c>model-00001-of-00003.safetensors</c>.</summary>
internal static partial class ShardName
{
    /// <summary>Refuses a file whose name is that of a part of a model.</summary>
    /// <exception cref="BitisException">The file is a part; the message names the index.</exception>
    public static void RequireWhole(string path)
    {
        Match match = Parts().Match(Path.GetFileName(path));
        if (!match.Success || int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture) < 2)
            return;
        string index = Path.Combine(
            Path.GetDirectoryName(path) ?? "",
            $"{match.Groups["model"].Value}.{match.Groups["kind"].Value}.index.json");
        throw BitisException.InFile(
            path,
            $"this is one of {match.Groups["count"].Value.TrimStart('0')} files of a model, by its name. "
            + "Open the index instead, "
            + (File.Exists(index) ? $"'{index}'." : $"'{Path.GetFileName(index)}', which should lie beside it.")
            + " If it is a whole model, give it another name.");
    }

    /// <summary>Whether a file's name is that of a part of a model.</summary>
    public static bool IsPart(string path) => Parts().IsMatch(Path.GetFileName(path));

    [GeneratedRegex(
        @"^(?<model>.+)-\d{5}-of-(?<count>\d{5})\.(?<kind>safetensors|bin)$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Parts();
}
