using System.Security.Cryptography;

namespace Bitis.Checkpoints;

/// <summary>The SHA-256 of a file's tensors, which safetensors itself does not have.</summary>
internal static class TensorDigest
{
    /// <summary>The entry of the metadata that holds it.</summary>
    public const string Key = "sha256";

    /// <summary>The digest of tensors in the order of their bytes in the file, hexadecimal.</summary>
    public static string Of(IEnumerable<ReadOnlyMemory<byte>> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> bytes in tensors)
            hash.AppendData(bytes.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes sure that a file has the tensors that were written.</summary>
    /// <exception cref="BitisException">It has not.</exception>
    public static void Verify(Checkpoint file)
    {
        if (file.Metadata.GetValueOrDefault(Key) != Of(file.Entries.Select(entry => (ReadOnlyMemory<byte>)file.ReadBytes(entry.Name))))
        {
            throw BitisException.InFile(
                file.Path, "the tensors are not those that were written (their SHA-256 differs): the file is damaged. Copy or make it again.");
        }
    }
}
