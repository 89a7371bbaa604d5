using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using System.Text;

namespace Bitis.Tests.Checkpoints;

/// <summary>Puts pickles and storages together to files as torch.save writes them.</summary>
internal static class TorchFiles
{
    /// <summary>A zip checkpoint: a pickle, and storages by key.</summary>
    public static byte[] Zip(
        byte[] pickle,
        IReadOnlyDictionary<string, byte[]>? storages = null,
        CompressionLevel compression = CompressionLevel.NoCompression,
        string byteOrder = "little")
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "archive/data.pkl", pickle, compression);
            Add(archive, "archive/byteorder", Encoding.ASCII.GetBytes(byteOrder), compression);
            foreach ((string key, byte[] bytes) in storages ?? new Dictionary<string, byte[]>())
                Add(archive, $"archive/data/{key}", bytes, compression);
        }
        return stream.ToArray();
    }

    /// <summary>A legacy checkpoint: storages are (key, number of elements, bytes).</summary>
    public static byte[] Legacy(byte[] pickle, params (string Key, long Count, byte[] Bytes)[] storages)
    {
        using var stream = new MemoryStream();
        byte[] magic = BigInteger.Parse("119547037146038801333356").ToByteArray();
        stream.Write(
            new PickleBuilder().Raw(0x80, 2, 0x8A, magic.Length).Raw(
                [.. magic.Select(b => (int)b)]).Raw('.').ToArray());
        stream.Write(PickleBuilder.Of(1001L));
        stream.Write(PickleBuilder.Of(new Dictionary<string, object?> { ["little_endian"] = true }));
        stream.Write(pickle);
        stream.Write(PickleBuilder.Of(new List<object?>(storages.Select(s => s.Key))));
        byte[] count = new byte[8];
        foreach ((_, long elements, byte[] bytes) in storages)
        {
            BinaryPrimitives.WriteInt64LittleEndian(count, elements);
            stream.Write(count);
            stream.Write(bytes);
        }
        return stream.ToArray();
    }

    public static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static void Add(ZipArchive archive, string name, byte[] contents, CompressionLevel compression)
    {
        using Stream entry = archive.CreateEntry(name, compression).Open();
        entry.Write(contents);
    }
}
