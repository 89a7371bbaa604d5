using Bitis.Data.Decoding;
using Bitis.Execution.Sessions;

namespace Bitis.Imaging;

/// <summary>Sessions that answer for image files. What viewers show is answered, even if the file is damaged.</summary>
public static class InferenceSessionExtensions
{
    /// <summary>The classes that the photograph in a file most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="count">How many classes.</param>
    /// <exception cref="BitisException">The file is not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(this InferenceSession session, string path, int count = 5)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Load(path), count);
    }

    /// <summary>The classes that the photograph in a stream most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="stream">An image file's bytes; read to the end, not disposed.</param>
    /// <param name="count">How many classes.</param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(this InferenceSession session, Stream stream, int count = 5)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Load(stream, "the image"), count);
    }

    /// <summary>The classes that the photograph in an image file's bytes most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="count">How many classes.</param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session, ReadOnlySpan<byte> file, int count = 5)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Decode(file, "the image"), count);
    }
}
