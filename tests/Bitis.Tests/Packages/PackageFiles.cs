using System.IO.Compression;
using System.Xml.Linq;

namespace Bitis.Tests.Packages;

/// <summary>The packages of this repository, packed once for all tests of a class, in a folder of their own.</summary>
public sealed class PackageFiles : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Packs the solution. Builds into the folder, so the repository's own output stays as it is.</summary>
    public PackageFiles()
    {
        DotnetCommand.Run(
            ReadmeTests.Root,
            "pack",
            "Bitis.slnx",
            "-c",
            "Release",
            "-o",
            Folder,
            $"-p:ArtifactsPath={_folder["artifacts"]}",
            $"-p:Version={Version}",
            "-p:RunAnalyzers=false");
    }

    /// <summary>A version that no other run has: NuGet keeps packages by version.</summary>
    public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():n}";

    /// <summary>Where the packages are.</summary>
    public string Folder => _folder["packages"];

    /// <summary>The names of a package's files.</summary>
    public IReadOnlyList<string> Files(string package)
    {
        using ZipArchive archive = Open(package);
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    /// <summary>The text of a package's file.</summary>
    public string Read(string package, string file)
    {
        using ZipArchive archive = Open(package);
        using var reader = new StreamReader(archive.GetEntry(file)!.Open());
        return reader.ReadToEnd();
    }

    /// <summary>What a package says of itself, by the names of the elements.</summary>
    public IReadOnlyDictionary<string, XElement> Metadata(string package) =>
        XDocument.Parse(Read(package, $"{package}.nuspec")).Root!.Elements().Single().Elements()
            .ToDictionary(element => element.Name.LocalName);

    /// <inheritdoc />
    public void Dispose() => _folder.Dispose();

    private ZipArchive Open(string package) => ZipFile.OpenRead(Path.Combine(Folder, $"{package}.{Version}.nupkg"));
}
