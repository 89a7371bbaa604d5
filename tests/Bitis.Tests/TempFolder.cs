namespace Bitis.Tests;

/// <summary>A folder of a test's own, deleted with everything in it at the end.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Path = Directory.CreateTempSubdirectory("bitis-test-").FullName;

    public string Path { get; }

    /// <summary>The path of a file or folder inside.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, creating its folders, and gives its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> contents)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, contents);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
