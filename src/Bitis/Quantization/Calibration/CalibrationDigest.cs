using System.Buffers;

namespace Bitis.Quantization.Calibration;

/// <summary>Identifies the calibration set of a model.</summary>
/// <param name="Images">How many there were.</param>
/// <param name="Sha256">The SHA-256 of their normalized pixels (float32, little-endian), in order; hexadecimal.</param>
internal sealed record CalibrationDigest(int Images, string Sha256)
{
    private const int HexDigits = 64;

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">There are no images, or the digest is not a SHA-256.</exception>
    public void Validate()
    {
        if (Images < 1 || Sha256.Length != HexDigits || Sha256.AsSpan().ContainsAnyExcept(Hexadecimal))
        {
            throw new BitisException(
                $"The calibration names {DisplayText.Count(Images, "image")} and a digest of {Sha256.Length} "
                    + $"characters; "
                + $"expected images and {HexDigits} hexadecimal digits.");
        }
    }
}
