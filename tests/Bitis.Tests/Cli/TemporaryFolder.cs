using Bitis.Data;
using Bitis.Data.BuiltIn;

namespace Bitis.Tests.Cli;

/// <summary>A folder for one test, and the files that command lines need.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("bitis-test-").FullName;

    /// <summary>A golden file of the tests.</summary>
    public static string Golden(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", name);

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a text file.</summary>
    public string WriteText(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    /// <summary>Creates an empty folder.</summary>
    public string CreateFolder(string name) => Directory.CreateDirectory(File(name)).FullName;

    /// <summary>Writes generated images of 40×40 pixels as BMP files into class folders.</summary>
    public string WriteImages(string name, int count, int classes)
    {
        using var source = new SyntheticImageSource(count, 40, classes, seed: 5);
        return WriteImages(name, source, label => $"class{label:00}");
    }

    /// <summary>Writes images as BMP files into class folders.</summary>
    public string WriteImages(string name, ImageSource source, Func<int, string> nameOfClass)
    {
        for (int i = 0; i < source.Count; i++)
        {
            string folder = CreateFolder(System.IO.Path.Combine(name, nameOfClass(source.Label(i)!.Value)));
            System.IO.File.WriteAllBytes(System.IO.Path.Combine(folder, $"image{i:000}.bmp"), Bmp(source.Read(i)));
        }
        return File(name);
    }

    /// <summary>Writes an IDX file of labels.</summary>
    public void WriteIdxLabels(string name, params byte[] labels) =>
        System.IO.File.WriteAllBytes(File(name), [0, 0, 8, 1, .. BigEndian(labels.Length), .. labels]);

    /// <summary>Writes an IDX file of gray noise: many images at little cost.</summary>
    public string WriteIdx(string name, int count)
    {
        const int size = 28;
        byte[] bytes = new byte[16 + count * size * size];
        new Random(1).NextBytes(bytes);
        byte[] header = [0, 0, 8, 3, .. BigEndian(count), .. BigEndian(size), .. BigEndian(size)];
        header.CopyTo(bytes, 0);
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static byte[] BigEndian(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    /// <summary>24 bits a pixel, rows from the bottom, padded to four bytes.</summary>
    private static byte[] Bmp(PixelImage image)
    {
        int stride = (image.Width * 3 + 3) / 4 * 4, length = 54 + stride * image.Height;
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("BM"u8);
        writer.Write(length);
        writer.Write(0);
        writer.Write(54);
        foreach (int value in (int[])[40, image.Width, image.Height, 1 | 24 << 16, 0, stride * image.Height, 2835, 2835, 0, 0])
            writer.Write(value);
        for (int y = image.Height - 1; y >= 0; y--)
        {
            ReadOnlySpan<byte> row = image.Row(y);
            for (int x = 0; x < row.Length; x += 3)
                writer.Write([row[x + 2], row[x + 1], row[x]]);
            writer.Write(new byte[stride - row.Length]);
        }
        return stream.ToArray();
    }
}
