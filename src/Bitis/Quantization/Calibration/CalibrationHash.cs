using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Bitis.Quantization.Calibration;

/// <summary>Computes a <see cref="CalibrationDigest"/> batch by batch; it does not depend on the batch size.</summary>
internal sealed class CalibrationHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Append(FloatTensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        _hash.AppendData(MemoryMarshal.AsBytes(images.Span));
    }

    public CalibrationDigest Finish(int images) => new(images, Convert.ToHexStringLower(_hash.GetHashAndReset()));

    public void Dispose() => _hash.Dispose();
}
