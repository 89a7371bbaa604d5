using System.Formats.Tar;
using System.IO.Compression;
using Bitis.Data;
using Bitis.Data.Sources;
using Bitis.Data.Sources.Trees;

namespace Bitis.Tests.Data;

/// <summary>Opening a set can take long: folders of a million files, archives that have to be unpacked.</summary>
public sealed class OpenCancellationTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void Listing_a_folder_and_unpacking_an_archive_can_be_cancelled()
    {
        Directory.CreateDirectory(_folder["photos"]);
        File.Copy(GoldenFiles.Path("images/rgb.png"), _folder["photos/rgb.png"]);
        TarFile.CreateFromDirectory(_folder["photos"], _folder["photos.tar"], includeBaseDirectory: true);
        using (FileStream file = File.Create(_folder["photos.tar.gz"]))
        using (var compressed = new GZipStream(file, CompressionLevel.Fastest))
            compressed.Write(File.ReadAllBytes(_folder["photos.tar"]));
        var cancelled = new CancellationToken(canceled: true);
        foreach (string name in (string[])["photos", "photos.tar", "photos.tar.gz"])
        {
            Assert.Throws<OperationCanceledException>(
                () => ImageSource.Open(_folder[name], cancellationToken: cancelled));
            using ImageSource source = ImageSource.Open(_folder[name]);
            Assert.Equal(1, source.Count);
        }
    }

    [Fact]
    public void Unpacking_stops_in_the_middle()
    {
        using (FileStream file = File.Create(_folder["long.gz"]))
        using (var compressed = new GZipStream(file, CompressionLevel.NoCompression))
            compressed.Write(new byte[1 << 20]);
        using DataFile data = DataFile.Open(_folder["long.gz"]);
        Assert.Throws<OperationCanceledException>(
            () => GzipFile.Inflate(data, 1 << 21, "too long", new CancellationToken(canceled: true)));
        Assert.Equal(1 << 20, GzipFile.Inflate(data, 1 << 21, "too long").Length);
    }

    public void Dispose() => _folder.Dispose();
}
