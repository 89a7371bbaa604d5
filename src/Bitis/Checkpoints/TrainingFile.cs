using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Checkpoints;

/// <summary>The format of a training's checkpoint: its metadata entries and its digest.</summary>
/// <remarks>The digest covers the entries, and the tensors' names and bytes, but not their types and shapes.</remarks>
internal static class TrainingFile
{
    /// <summary>The metadata entry that marks such files.</summary>
    public const string FormatKey = "bitis_training";

    /// <summary>The format that is written.</summary>
    public const string FormatVersion = "1";

    /// <summary>The metadata entries with the identity of the training, and its progress.</summary>
    public const string IdentityKey = "identity", PositionKey = "position";

    /// <summary>The prefixes of the names of the weights, and of their average over the steps.</summary>
    public const string Weights = "weights", Average = "average";

    /// <summary>The advice if the file is opened as a model.</summary>
    public const string ChoiceOfWeights =
        $"choose with --weights-key {Average} (the moving average over the steps) "
        + $"or --weights-key {Weights} (those of the last step).";

    /// <summary>Whether metadata are those of a training's checkpoint.</summary>
    public static bool Recognizes(IReadOnlyDictionary<string, string> metadata) => metadata.ContainsKey(FormatKey);

    /// <summary>Checks that a file matches its digest.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="advice">The advice if it does not match.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">The file does not match its digest.</exception>
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
