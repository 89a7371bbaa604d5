namespace Bitis.Training.Images;

/// <summary>How an image is changed: shifted, then perhaps mirrored.</summary>
/// <param name="Right">The pixels by which it is shifted to the right.</param>
/// <param name="Down">The pixels by which it is shifted down.</param>
/// <param name="IsMirrored">Whether it is mirrored left to right.</param>
internal readonly record struct ImageMove(int Right, int Down, bool IsMirrored)
{
    /// <summary>Changes one channel of the image, or its labels.</summary>
    /// <param name="plane">The values, row by row.</param>
    /// <param name="width">Values a row.</param>
    /// <param name="outside">The value of what is shifted in.</param>
    public void Apply<T>(Span<T> plane, int width, T outside)
    {
        var picture = new ImagePlane<T>(plane, width, outside);
        picture.Move(Right, Down);
        if (IsMirrored)
            picture.Mirror();
    }
}
