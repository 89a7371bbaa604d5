using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;

namespace Bitis.Tests.Data;

/// <summary>
/// Image files of many kinds beside the pixels that Pillow and torchvision make of them: <c>name/decoded_u8</c>,
/// <c>name/crop_u8</c> (256 bicubic, centre 224) and <c>name/normalized</c>, in a gzipped safetensors file.
/// </summary>
internal static class GoldenImages
{
    private static readonly string Folder = GoldenFiles.Path("images");

    private static readonly Lazy<Dictionary<string, byte[]>> Tensors = new(ReadTensors);

    /// <summary>The path of an image file.</summary>
    public static string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>The bytes of an image file.</summary>
    public static byte[] FileBytes(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>The raw bytes of a golden tensor; null if the file does not hold it.</summary>
    public static byte[]? Find(string tensor) => Tensors.Value.GetValueOrDefault(tensor);

    private static Dictionary<string, byte[]> ReadTensors()
    {
        using var memory = new MemoryStream();
        using (
            var gzip = new GZipStream(
                File.OpenRead(PathOf("images.golden.safetensors.gz")), CompressionMode.Decompress))
        {
            gzip.CopyTo(memory);
        }

        byte[] bytes = memory.ToArray();
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        var tensors = new Dictionary<string, byte[]>();
        foreach (JsonProperty tensor in header.RootElement.EnumerateObject())
        {
            if (!tensor.Value.TryGetProperty("data_offsets", out JsonElement offsets))
                continue;
            int start = 8 + headerLength + offsets[0].GetInt32();
            int end = 8 + headerLength + offsets[1].GetInt32();
            tensors.Add(tensor.Name, bytes[start..end]);
        }
        return tensors;
    }
}
