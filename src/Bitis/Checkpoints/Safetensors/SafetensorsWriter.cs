using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Bitis.Files;

namespace Bitis.Checkpoints.Safetensors;

/// <summary>Writes safetensors files.</summary>
/// <remarks>
/// The same tensors and metadata give the same bytes: tensors stay in the order given, metadata are sorted by key. The
/// file appears whole or not at all (<see cref="AtomicFile"/>).
/// </remarks>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes a file, replacing an older one.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">
    /// The tensors. For every tensor to be aligned, give those of wider types first, or tensors of whole 8-byte words.
    /// </param>
    /// <param name="metadata">Texts for <c>__metadata__</c>; none when null or empty.</param>
    /// <param name="cancellationToken">Stops the writing; an older file stays as it was.</param>
    /// <returns>The length of the file in bytes.</returns>
    /// <exception cref="BitisException">The file cannot be written: folder missing, not permitted, disk
    /// full.</exception>
    /// <exception cref="ArgumentException">Two tensors share a name, or bytes do not fill a shape.</exception>
    public static long Write(
        string path,
        IReadOnlyList<SafetensorsTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        long length = 0;
        AtomicFile.Write(
            path, stream => length = Write(stream, tensors, metadata, cancellationToken), cancellationToken);
        return length;
    }

    /// <summary>Writes to a stream what would be a file.</summary>
    /// <returns>The length in bytes.</returns>
    internal static long Write(
        Stream stream,
        IReadOnlyList<SafetensorsTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        byte[] header = Header(tensors, metadata);
        stream.Write(header);
        long length = header.Length;
        foreach (SafetensorsTensor tensor in tensors)
        {
            WriteChunks(stream, tensor.Bytes.Span, cancellationToken);
            length += tensor.Bytes.Length;
        }
        return length;
    }

    private static void WriteChunks(Stream stream, ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        const int ChunkLength = 4 << 20;
        while (!bytes.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = Math.Min(ChunkLength, bytes.Length);
            stream.Write(bytes[..length]);
            bytes = bytes[length..];
        }
    }

    /// <summary>The length and the JSON, padded with blanks so that the data start at a multiple of 8 bytes.</summary>
    private static byte[] Header(
        IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Advance(Clear(buffer.GetSpan(sizeof(ulong))));
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            HashSet<string> names = ["__metadata__"];
            foreach (SafetensorsTensor tensor in tensors)
            {
                Check(tensor, names);
                WriteEntry(json, tensor, offset);
                offset += tensor.Bytes.Length;
            }
            json.WriteEndObject();
        }
        int padding = (Alignment - (buffer.WrittenCount % Alignment)) % Alignment;
        buffer.GetSpan(Alignment)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - sizeof(ulong));
        return header;
    }

    private static int Clear(Span<byte> span)
    {
        span[..sizeof(ulong)].Clear();
        return sizeof(ulong);
    }

    private static void Check(SafetensorsTensor tensor, HashSet<string> names)
    {
        if (!names.Add(tensor.Name))
            throw new ArgumentException($"The name '{tensor.Name}' is used twice.", nameof(tensor));
        if (tensor.Shape.ElementCount * tensor.DType.BitSize() != tensor.Bytes.Length * 8L)
        {
            throw new ArgumentException(
                $"'{tensor.Name}': {tensor.Bytes.Length} bytes do not fill {tensor.Shape} of {tensor.DType}.",
                nameof(tensor));
        }
    }

    private static void WriteEntry(Utf8JsonWriter json, SafetensorsTensor tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.DType.SafetensorsName());
        json.WriteStartArray("shape");
        foreach (int size in tensor.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Bytes.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
