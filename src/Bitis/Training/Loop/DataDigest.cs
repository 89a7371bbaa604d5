using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Bitis.Training.Loop;

/// <summary>Identifies the images of a training by their names and labels; the pixels are not read for it.</summary>
/// <param name="Images">How many there are.</param>
/// <param name="Sha256">The SHA-256 of a line <c>name, tab, label</c> for each image, in order; hexadecimal.</param>
/// <param name="DecoderSettings">The settings of the decoder that change pixels; null for the defaults.</param>
internal sealed record DataDigest(
    int Images,
    string Sha256,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DecoderSettings = null)
{
    /// <summary>The digest of a source.</summary>
    public static DataDigest Of(ImageSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < source.Count; i++)
            hash.AppendData(Encoding.UTF8.GetBytes($"{source.Name(i)}\t{source.Label(i)}\n"));
        return new DataDigest(source.Count, Convert.ToHexStringLower(hash.GetHashAndReset()), source.DecoderSettings);
    }
}
