using Bitis.Data;
using Bitis.Data.Decoding;

namespace Bitis.Imaging;

/// <summary>Image sets with the decoder of this package.</summary>
public static class ImageSourceExtensions
{
    extension(ImageSource)
    {
        /// <summary>Opens a set of images (<see cref="ImageSource.Open(string, IImageDecoder, CancellationToken)"/>).</summary>
        /// <param name="path">Where the set is.</param>
        /// <param name="cancellationToken">Ends the listing of files, and the unpacking of an archive.</param>
        /// <exception cref="BitisException">There is nothing at the path, or no images, or damage.</exception>
        public static ImageSource Open(string path, CancellationToken cancellationToken = default) =>
            ImageSource.Open(path, ImageDecoder.Default, cancellationToken);
    }
}
