using System.Diagnostics.CodeAnalysis;
using Bitis.Data.Decoding;

namespace Bitis.Imaging;

/// <summary>
/// Image files in place of raw pixels: JPEG, PNG, WebP, TIFF, GIF and BMP, decoded to the pixels that Pillow gives.
/// </summary>
/// <remarks>
/// A file's content decides, not its name. Alpha is dropped; colour profiles are ignored; of an animation the first
/// frame counts. Sizes are checked before memory is taken (docs/limits.md). What viewers show is decoded, even if the
/// file is damaged; <see cref="PixelImage.Warning"/> says so.
/// </remarks>
[SuppressMessage(
    "Naming",
    "CA1708:Identifiers should differ by more than case",
    Justification = "The analyzer takes the two extension blocks for two members of one name.")]
public static class ImageFiles
{
    /// <summary>What messages call an image that has no path.</summary>
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
        /// <exception cref="BitisException">There is nothing at the path, or no images, or damage.</exception>
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

    /// <summary>The classes that the photograph in a file most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">The file is not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session, string path, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Load(path), count, cancellationToken);
    }

    /// <summary>The classes that the photograph in a stream most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="stream">An image file's bytes; read to the end, not disposed.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">
    /// Ends the reading, the wait for other calls, or the work before it begins.
    /// </param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session, Stream stream, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        PixelImage image = ImageDecoder.Default.Load(stream, Unnamed, cancellationToken);
        return session.Classify(image, count, cancellationToken);
    }

    /// <summary>The classes that the photograph in an image file's bytes most probably shows, best first.</summary>
    /// <param name="session">The model.</param>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static IReadOnlyList<Prediction> Classify(
        this InferenceSession session,
        ReadOnlySpan<byte> file,
        int count = 5,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Classify(ImageDecoder.Default.Decode(file, Unnamed), count, cancellationToken);
    }

    /// <summary>
    /// The classes that the photograph in a file most probably shows; blocks no thread of the caller's.
    /// </summary>
    /// <param name="session">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="count">How many classes, best first.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">The file is not an image that can be decoded.</exception>
    public static Task<IReadOnlyList<Prediction>> ClassifyAsync(
        this InferenceSession session, string path, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(path);
        Task<PixelImage> image = Task.Run(() => ImageDecoder.Default.Load(path), cancellationToken);
        return ClassifyAsync(session, image, count, cancellationToken);
    }

    /// <summary>
    /// The classes that the photograph in a stream most probably shows; the stream is read asynchronously.
    /// </summary>
    /// <param name="session">The model.</param>
    /// <param name="stream">An image file's bytes, such as an upload; read to the end, not disposed.</param>
    /// <param name="count">How many classes, best first.</param>
    /// <param name="cancellationToken">
    /// Ends the reading, the wait for other calls, or the work before it begins.
    /// </param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static Task<IReadOnlyList<Prediction>> ClassifyAsync(
        this InferenceSession session, Stream stream, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        Task<PixelImage> image = ImageDecoder.Default.LoadAsync(stream, Unnamed, cancellationToken);
        return ClassifyAsync(session, image, count, cancellationToken);
    }

    /// <summary>
    /// The classes that the photograph in an image file's bytes most probably shows; blocks no thread.
    /// </summary>
    /// <param name="session">The model.</param>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="count">How many classes, best first.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
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
