namespace Bitis.Quantization;

/// <summary>Identifies the images that a model was calibrated with.</summary>
/// <param name="Images">How many there were.</param>
/// <param name="Sha256">The SHA-256 of their normalized pixels (float32, little-endian), in order; hexadecimal.</param>
public sealed record CalibrationDigest(int Images, string Sha256);
