namespace Bitis.Data.Sources;

/// <summary>Finds out what a path holds and opens it.</summary>
internal static class SourceOpener
{
    public static ImageSource Open(string path) =>
        throw new BitisException($"{path}: this kind of image set is not supported.");
}
