using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Bitis.Checkpoints.Hub;

/// <summary>Checks contents against the hub's ETag.</summary>
internal static class HubChecksum
{
    private const int Sha256Length = 64;
    private const int Sha1Length = 40;

    /// <summary>Whether an ETag is a checksum: SHA-256 or SHA-1, in hexadecimal.</summary>
    public static bool IsChecksum(string etag) =>
        etag.Length is Sha1Length or Sha256Length && etag.All(char.IsAsciiHexDigit);

    /// <summary>
    /// Whether the contents are those that the ETag names: SHA-256 for files in large file storage, git's SHA-1 of a
    /// blob
    /// for others. An ETag of another form names nothing that can be checked, and counts as a match.
    /// </summary>
    [SuppressMessage("Security", "CA5350:Do Not Use Weak Cryptographic Algorithms",
        Justification = "It is git's name of a blob.")]
    public static async Task<bool> MatchesAsync(FileStream contents, string etag, CancellationToken cancellationToken)
    {
        if (!IsChecksum(etag))
            return true;
        using var hash = IncrementalHash.CreateHash(
            etag.Length == Sha256Length ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (etag.Length == Sha1Length)
            hash.AppendData(Encoding.ASCII.GetBytes($"blob {contents.Length}\0"));
        contents.Position = 0;
        byte[] buffer = new byte[1 << 17];
        int count;
        while ((count = await contents.ReadAsync(buffer, cancellationToken)) > 0)
            hash.AppendData(buffer, 0, count);
        return Convert.ToHexString(hash.GetHashAndReset()).Equals(etag, StringComparison.OrdinalIgnoreCase);
    }
}
