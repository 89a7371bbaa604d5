using System.Formats.Tar;
using System.IO.Compression;

namespace Bitis.Tests.Data;

/// <summary>Writers for the archives that tests make up.</summary>
internal static class TestArchives
{
    /// <summary>
    /// Writes files to what a path's extension says: <c>.zip</c>, <c>.tar</c>, <c>.tgz</c> or <c>.gz</c>, else a
    /// folder.
    /// </summary>
    /// <param name="path">Where to write.</param>
    /// <param name="files">Names and contents; a name that ends in '/' is a folder.</param>
    /// <returns>The path.</returns>
    public static string Write(string path, params IEnumerable<(string Name, byte[] Data)> files)
    {
        switch (Path.GetExtension(path))
        {
            case ".zip":
                WriteZip(path, files);
                break;
            case ".tar":
                File.WriteAllBytes(path, Tar(TarEntryFormat.Pax, files));
                break;
            case ".tgz" or ".gz":
                File.WriteAllBytes(path, Gzip(Tar(TarEntryFormat.Gnu, files)));
                break;
            default:
                WriteFolder(path, files);
                break;
        }
        return path;
    }

    /// <summary>A tar archive.</summary>
    public static byte[] Tar(TarEntryFormat format, params IEnumerable<(string Name, byte[] Data)> files)
    {
        using var memory = new MemoryStream();
        using (var writer = new TarWriter(memory, format, leaveOpen: true))
        {
            foreach ((string name, byte[] data) in files)
                writer.WriteEntry(Entry(format, name, data));
        }
        return memory.ToArray();
    }

    /// <summary>Bytes compressed with gzip.</summary>
    public static byte[] Gzip(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return memory.ToArray();
    }

    private static TarEntry Entry(TarEntryFormat format, string name, byte[] data)
    {
        bool isFolder = name.EndsWith('/');
        TarEntryType file = format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile;
        TarEntryType type = isFolder ? TarEntryType.Directory : file;
        TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(type, name),
            TarEntryFormat.Ustar => new UstarTarEntry(type, name),
            TarEntryFormat.Gnu => new GnuTarEntry(type, name),
            _ => new PaxTarEntry(type, name),
        };
        if (!isFolder)
            entry.DataStream = new MemoryStream(data);
        return entry;
    }

    private static void WriteZip(string path, IEnumerable<(string Name, byte[] Data)> files)
    {
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string name, byte[] data) in files)
        {
            using Stream stream = zip.CreateEntry(name).Open();
            stream.Write(data);
        }
    }

    private static void WriteFolder(string path, IEnumerable<(string Name, byte[] Data)> files)
    {
        foreach ((string name, byte[] data) in files)
        {
            string file = Path.Combine(path, name);
            Directory.CreateDirectory(name.EndsWith('/') ? file : Path.GetDirectoryName(file)!);
            if (!name.EndsWith('/'))
                File.WriteAllBytes(file, data);
        }
    }
}
