namespace Bitis.Tests;

/// <summary>A folder of a test's own, deleted with everything in it at the end.</summary>
internal sealed class TempFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("bitis-test-").FullName;

    /// <summary>The path of a file or folder inside.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Creates a folder and those that it lies in.</summary>
    /// <returns>Its path.</returns>
    public string CreateFolder(string name) => Directory.CreateDirectory(this[name]).FullName;

    /// <summary>Writes a file, creating its folders.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, ReadOnlySpan<byte> contents)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, contents);
        return path;
    }

    /// <summary>Writes a text file in UTF-8, creating its folders.</summary>
    /// <returns>Its path.</returns>
    public string WriteText(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
