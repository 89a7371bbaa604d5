using System.Buffers.Binary;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Tests.Data;

namespace Bitis.Tests;

/// <summary>Writes image sets into a test's folder.</summary>
internal static class TempFolderImages
{
    /// <summary>Writes generated images of 40×40 pixels as BMP files into class folders.</summary>
    public static string WriteImages(this TempFolder folder, string name, int count, int classes)
    {
        using var source = new SyntheticImageSource(count, 40, classes, seed: 5);
        return folder.WriteImages(name, source, label => $"class{label:00}");
    }

    /// <summary>Writes images as BMP files into class folders.</summary>
    public static string WriteImages(
        this TempFolder folder, string name, ImageSource source, Func<int, string> nameOfClass)
    {
        for (int i = 0; i < source.Count; i++)
        {
            string file = Path.Combine(name, nameOfClass(source.Label(i)!.Value), $"image{i:000}.bmp");
            folder.Write(file, TestImages.Bmp(source.Read(i)));
        }
        return folder[name];
    }

    /// <summary>Writes an IDX file of labels.</summary>
    public static void WriteIdxLabels(this TempFolder folder, string name, params byte[] labels) =>
        folder.Write(name, [.. IdxHeader(labels.Length), .. labels]);

    /// <summary>Writes an IDX file of gray noise: many images at little cost.</summary>
    public static string WriteIdx(this TempFolder folder, string name, int count)
    {
        const int size = 28;
        byte[] pixels = new byte[count * size * size];
        new Random(1).NextBytes(pixels);
        return folder.Write(name, [.. IdxHeader(count, size, size), .. pixels]);
    }

    /// <summary>The header of an IDX file of bytes.</summary>
    private static byte[] IdxHeader(params int[] sizes)
    {
        byte[] header = [0, 0, 8, (byte)sizes.Length, .. new byte[4 * sizes.Length]];
        for (int i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * (i + 1)), sizes[i]);
        return header;
    }
}
