namespace Bitis.Checkpoints;

/// <summary>Creates folders for results.</summary>
public static class OutputFolder
{
    /// <summary>Creates a folder where it is missing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="what">What the message calls it.</param>
    /// <exception cref="BitisException">It cannot be created.</exception>
    public static void Create(string path, string what = "the folder")
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: {what} cannot be created: {e.Message}", e);
        }
    }
}
