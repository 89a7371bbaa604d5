using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Checkpoints;

/// <summary>The form of a training's checkpoint: its entries in the metadata, and its digest.</summary>
/// <remarks>The digest covers the entries, and the tensors' names and bytes, but not their types and shapes.</remarks>
internal static class TrainingFile
{
    /// <summary>The entry of the metadata that such files have.</summary>
    public const string FormatKey = "bitis_training";

    /// <summary>The format that is written.</summary>
    public const string FormatVersion = "1";

    /// <summary>The entries with what is trained, and how far it has come.</summary>
    public const string IdentityKey = "identity", PositionKey = "position";

    /// <summary>What the names of the weights begin with, and of their average over the steps.</summary>
    public const string Weights = "weights", Average = "average";

    /// <summary>What to do with one that is opened as a model.</summary>
    public const string ChoiceOfWeights =
        $"choose with --weights-key {Average} (the moving average over the steps) "
        + $"or --weights-key {Weights} (those of the last step).";

    /// <summary>Whether a file is the checkpoint of a training, by its metadata.</summary>
    public static bool Recognizes(IReadOnlyDictionary<string, string> metadata) => metadata.ContainsKey(FormatKey);

    /// <summary>Checks that a file is what was written.</summary>
    /// <param name="file">The file, all of it.</param>
    /// <param name="advice">What to do if it is not.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">It is not.</exception>
    public static void Verify(Checkpoint file, string advice, CancellationToken cancellationToken = default)
    {
        string digest = Digest(
            file.Metadata.GetValueOrDefault(IdentityKey, ""),
            file.Metadata.GetValueOrDefault(PositionKey, ""),
            file.Entries.Select(entry =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                return (entry.Name, (ReadOnlyMemory<byte>)file.ReadBytes(entry.Name));
            }));
        ContentDigest.Require(file, digest, advice);
    }

    /// <summary>The digest of such a file, hexadecimal.</summary>
    public static string Digest(
        string identity, string position, IEnumerable<(string Name, ReadOnlyMemory<byte> Bytes)> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{identity}\n{position}\n"));
        foreach ((string name, ReadOnlyMemory<byte> bytes) in tensors)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n"));
            hash.AppendData(bytes.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
