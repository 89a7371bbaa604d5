using Bitis.Files;

namespace Bitis.Checkpoints.Folders;

/// <summary>Finds the weights in a model's folder, in the layout of hubs.</summary>
internal static class ModelFolder
{
    /// <summary>The usual names of weights on hubs, in the order in which they are tried.</summary>
    private static readonly string[] Usual =
        ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

    private static readonly string[] Ends = [".safetensors", ".index.json", ".bitis", ".pth", ".pt", ".bin", ".ckpt"];

    /// <summary>The file of a model.</summary>
    /// <param name="path">The file itself, or a folder with a model.</param>
    /// <returns>The path of the file; in a folder, the one with a usual name, or else its only one.</returns>
    /// <exception cref="BitisException">The folder has no model, or several without a usual name.</exception>
    public static string Resolve(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!Directory.Exists(path))
            return path;
        if (Usual.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists) is { } usual)
            return usual;
        string[] files = FilesOf(path);
        return files switch
        {
            [var file] => file,
            [] => throw BitisException.InFile(
                path, $"this is a folder without a file of a model ({string.Join(", ", Ends)}); name the file."),
            _ => throw BitisException.InFile(
                path,
                "this is a folder with several files of models "
                + $"({string.Join(", ", files.Take(8).Select(Path.GetFileName))}); name one of them."),
        };
    }

    /// <summary>The names of the files that an index names; none if the file is not an index.</summary>
    /// <exception cref="BitisException">The file cannot be read, or is JSON but not an index.</exception>
    internal static IReadOnlyList<string> PartsOf(string path)
    {
        using CheckpointFile file = CheckpointFile.Open(path);
        return ShardIndex.IsIndex(file) ? ShardIndex.ShardsOf(file) : [];
    }

    private static string[] FilesOf(string path)
    {
        try
        {
            return
            [
                .. from file in Directory.EnumerateFiles(path)
                   where Array.Exists(Ends, end => file.EndsWith(end, StringComparison.Ordinal))
                   where !ShardName.IsPart(file)
                   orderby file
                   select file,
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: the folder cannot be read: {SystemMessage.Of(e)}.", e);
        }
    }
}
