using System.Diagnostics.CodeAnalysis;
using Bitis.Data.Decoding;

namespace Bitis.Imaging;

/// <summary>Decodes image files to the pixels that Pillow gives: JPEG, PNG, WebP, TIFF, GIF and BMP.</summary>
/// <remarks>
/// Formats are recognized by content, not by name. Alpha is dropped, and colour profiles are ignored. Of an animation,
/// the first frame is used. Sizes are checked before memory is allocated (docs/limits.md). A damaged file that viewers
/// still show is decoded, and <see cref="PixelImage.Warning"/> says so.
/// </remarks>
[SuppressMessage(
    "Naming",
    "CA1708:Identifiers should differ by more than case",
    Justification = "The analyzer takes the two extension blocks for two members of one name.")]
public static class ImageFiles
{
    /// <summary>The name in messages of an image without a path.</summary>
    private const string Unnamed = "the image";

    extension(ImageSource)
    {
        /// <summary>
        /// Opens a set of images (<see cref="ImageSource.Open(string, IImageDecoder, CancellationToken)"/>).
        /// </summary>
        /// <param name="path">Where the set is.</param>
        /// <param name="appliesExifOrientation">
        /// Whether images are turned as their EXIF data say. Published evaluations do not turn them.
        /// </param>
        /// <param name="cancellationToken">Ends the listing of files, and the unpacking of an archive.</param>
        /// <exception cref="BitisException">The path does not exist, has no images, or a file is damaged.</exception>
        public static ImageSource Open(
            string path, bool appliesExifOrientation = false, CancellationToken cancellationToken = default)
        {
            var decoder = new ImageDecoder { AppliesExifOrientation = appliesExifOrientation };
            return ImageSource.Open(path, decoder, cancellationToken);
        }
    }

    extension(PixelImage)
    {
        /// <summary>Decodes an image file.</summary>
        /// <param name="path">The file.</param>
        /// <param name="appliesExifOrientation">Whether the image is turned as its EXIF data say.</param>
        /// <exception cref="BitisException">The file is not an image that can be decoded.</exception>
        public static PixelImage Load(string path, bool appliesExifOrientation = false) =>
            new ImageDecoder { AppliesExifOrientation = appliesExifOrientation }.Load(path);
    }

    /// <summary>The most probable classes of an image file, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The file is not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session, string path, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Load(path), count, cancellationToken);
    }

    /// <summary>The most probable classes of an image in a stream, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="stream">The bytes of an image file. The stream is read to its end and not disposed.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">
    /// Ends the reading, the wait for other calls, or the work before it begins.
    /// </param>
    /// <exception cref="BitisException">
    /// The bytes are not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session, Stream stream, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        PixelImage image = ImageDecoder.Default.Load(stream, Unnamed, cancellationToken);
        return session.Classify(image, count, cancellationToken);
    }

    /// <summary>The most probable classes of an image file's bytes, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The bytes are not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session,
        ReadOnlySpan<byte> file,
        int count = 5,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Decode(file, Unnamed), count, cancellationToken);
    }

    /// <summary>The most probable classes of an image file, best first, without blocking the caller's thread.</summary>
    /// <param name="session">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The file is not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static Task<IReadOnlyList<Prediction>> ClassifyAsync(
        this InferenceSession session, string path, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(path);
        Task<PixelImage> image = Task.Run(() => ImageDecoder.Default.Load(path), cancellationToken);
        return ClassifyAsync(session, image, count, cancellationToken);
    }

    /// <summary>
    /// The most probable classes of an image in a stream, best first; the stream is read asynchronously.
    /// </summary>
    /// <param name="session">The model.</param>
    /// <param name="stream">
    /// The bytes of an image file, such as an upload. The stream is read to its end and not disposed.
    /// </param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">
    /// Ends the reading, the wait for other calls, or the work before it begins.
    /// </param>
    /// <exception cref="BitisException">
    /// The bytes are not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static Task<IReadOnlyList<Prediction>> ClassifyAsync(
        this InferenceSession session, Stream stream, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        Task<PixelImage> image = ImageDecoder.Default.LoadAsync(stream, Unnamed, cancellationToken);
        return ClassifyAsync(session, image, count, cancellationToken);
    }

    /// <summary>
    /// The most probable classes of an image file's bytes, best first, without blocking the caller's thread.
    /// </summary>
    /// <param name="session">The model.</param>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The bytes are not an image that can be decoded, the model does not give classes, or its answer is not a
    /// finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public static Task<IReadOnlyList<Prediction>> ClassifyAsync(
        this InferenceSession session,
        ReadOnlyMemory<byte> file,
        int count = 5,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        Task<PixelImage> image = Task.Run(() => ImageDecoder.Default.Decode(file.Span, Unnamed), cancellationToken);
        return ClassifyAsync(session, image, count, cancellationToken);
    }

    private static async Task<IReadOnlyList<Prediction>> ClassifyAsync(
        InferenceSession session, Task<PixelImage> image, int count, CancellationToken cancellationToken) =>
        await session.ClassifyAsync(await image.ConfigureAwait(false), count, cancellationToken).ConfigureAwait(false);
}
