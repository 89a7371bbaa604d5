using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Bitis.Tensors;

namespace Bitis.Checkpoints.Safetensors;

/// <summary>
/// The SHA-256 of what a file that Bitis wrote holds, which safetensors itself does not have (docs/file-format.md).
/// </summary>
/// <remarks>
/// It tells damage from health, not friend from foe: whoever changes a file can write the digest anew.
/// </remarks>
internal static class ContentDigest
{
    /// <summary>The entry of the metadata that holds it.</summary>
    public const string Key = "sha256";

    private const string MakeAgain = "Copy it again from where it came from, or make it again";

    /// <summary>
    /// The digest of metadata and tensors, hexadecimal: each entry of the metadata but the digest, by key; then each
    /// tensor's name, type, shape and bytes, by name. The order in the file does not matter.
    /// </summary>
    public static string Of(IReadOnlyDictionary<string, string> metadata, IEnumerable<SafetensorsTensor> tensors) =>
        Of(
            metadata,
            [.. tensors.Select(tensor => (
                tensor.Name, tensor.DType, tensor.Shape, (Func<ReadOnlyMemory<byte>>)(() => tensor.Bytes)))]);

    /// <summary>Makes sure that a file has the metadata and tensors that were written.</summary>
    /// <param name="file">The file.</param>
    /// <param name="advice">What to do if it has not.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">It has not.</exception>
    public static void Verify(
        Checkpoint file, string advice = MakeAgain, CancellationToken cancellationToken = default)
    {
        string digest = Of(
            file.Metadata, [.. file.Entries.Select(entry => (entry.Name, entry.DType, entry.Shape, Reader(entry)))]);
        Require(file, digest, advice);

        Func<ReadOnlyMemory<byte>> Reader(CheckpointEntry entry) => () =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return file.ReadBytes(entry.Name);
        };
    }

    /// <summary>Makes sure that a file of format 1 has the bytes that were written as tensors.</summary>
    /// <remarks>Its digest covers neither the metadata nor the tensors' names, types and shapes.</remarks>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">It has not.</exception>
    public static void VerifyFormat1(Checkpoint file, CancellationToken cancellationToken)
    {
        IEnumerable<ReadOnlyMemory<byte>> tensors = file.Entries.Select(entry =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return (ReadOnlyMemory<byte>)file.ReadBytes(entry.Name);
        });
        Require(file, OfFormat1(tensors), MakeAgain);
    }

    /// <summary>
    /// The digest of format 1, which no file is written in any more: the tensors' bytes, in the file's order.
    /// </summary>
    internal static string OfFormat1(IEnumerable<ReadOnlyMemory<byte>> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> bytes in tensors)
            hash.AppendData(bytes.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes sure that a file's metadata hold a digest.</summary>
    /// <param name="file">The file.</param>
    /// <param name="digest">The digest of what the file holds.</param>
    /// <param name="advice">What to do if they do not.</param>
    /// <exception cref="BitisException">They do not.</exception>
    public static void Require(Checkpoint file, string digest, string advice)
    {
        string? stated = file.Metadata.GetValueOrDefault(Key);
        if (stated == digest)
            return;
        throw BitisException.InFile(file.Path, stated is null
            ? $"the metadata have no '{Key}', the SHA-256 of the file's contents, "
                + $"so nobody can tell whether it is whole: something else rewrote it. {advice}."
            : $"this is not what was written (the SHA-256 differs): the file was damaged or changed. {advice}.");
    }

    private static string Of(
        IReadOnlyDictionary<string, string> metadata,
        List<(string Name, DType Type, Shape Shape, Func<ReadOnlyMemory<byte>> Bytes)> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        KeyValuePair<string, string>[] entries =
        [
            .. metadata.Where(entry => entry.Key != Key).OrderBy(entry => entry.Key, ByCodePoint),
        ];
        Append(hash, entries.Length);
        foreach ((string key, string value) in entries)
        {
            Append(hash, key);
            Append(hash, value);
        }
        Append(hash, tensors.Count);
        foreach (
            (
                string name, DType type, Shape shape,
                Func<ReadOnlyMemory<byte>> read) in tensors.OrderBy(tensor => tensor.Name, ByCodePoint))
        {
            Append(hash, name);
            Append(hash, type.SafetensorsName());
            Append(hash, shape.Rank);
            foreach (int size in shape)
                Append(hash, size);
            ReadOnlyMemory<byte> bytes = read();
            Append(hash, bytes.Length);
            hash.AppendData(bytes.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The order of texts by their code points, which is that of their UTF-8.</summary>
    private static Comparer<string> ByCodePoint { get; } =
        Comparer<string>.Create(
            (x, y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)));

    /// <summary>A number as 8 bytes, little-endian.</summary>
    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }

    /// <summary>A text as the length of its UTF-8 and that.</summary>
    private static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }
}
