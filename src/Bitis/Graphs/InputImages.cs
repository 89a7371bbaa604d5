using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Checks batches of images before a model computes them.</summary>
internal static class InputImages
{
    /// <summary>Checks that all pixels are finite numbers.</summary>
    /// <param name="images"><c>[batch, channels, height, width]</c></param>
    /// <exception cref="BitisException">A pixel is NaN or infinite; the message says where.</exception>
    public static void RequireFinite(FloatTensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        RequireFinite(images.Span, images.Shape.DropFirst());
    }

    /// <summary>Checks that all pixels are finite numbers.</summary>
    /// <param name="images">The pixels of all images, one after the other.</param>
    /// <param name="shape">The shape of one image, <c>[channels, height, width]</c>.</param>
    /// <exception cref="BitisException">A pixel is NaN or infinite; the message says where.</exception>
    public static void RequireFinite(ReadOnlySpan<float> images, Shape shape)
    {
        if (FloatTensor.FindNonFinite(images) is not { } index)
            return;
        int image = index;
        var place = new int[shape.Rank];
        for (int d = place.Length - 1; d >= 0; d--)
            (image, place[d]) = Math.DivRem(image, shape[d]);
        throw new BitisException(
            $"Image {image} of the batch holds {images[index]} at [{string.Join(", ", place)}]. "
            + "Pixels must be finite numbers; check how the images were made and normalized.");
    }
}
