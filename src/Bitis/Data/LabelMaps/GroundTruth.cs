using Bitis.Data.Decoding;

namespace Bitis.Data.LabelMaps;

/// <summary>A folder with the labels of each pixel of some images, as PNG files.</summary>
/// <param name="folder">The folder.</param>
internal sealed class GroundTruth(string folder)
{
    /// <summary>The folder, as the user named it.</summary>
    public string Folder => folder;

    /// <summary>The file of an image: the same name within the folder, with the ending <c>.png</c>.</summary>
    /// <param name="image">The image's name in its set.</param>
    public string FileOf(string image)
    {
        string relative = Path.IsPathRooted(image) ? Path.GetFileName(image) : image;
        string file = Path.Combine(folder, Path.ChangeExtension(relative, ".png"));
        return File.Exists(file) ? file : Path.Combine(folder, Path.ChangeExtension(Path.GetFileName(image), ".png"));
    }

    /// <summary>Reads the labels of an image.</summary>
    /// <exception cref="BitisException">The file is missing, is no PNG file of labels, or is damaged.</exception>
    public LabelMap Read(string image)
    {
        string file = FileOf(image);
        if (!File.Exists(file))
            throw BitisException.InFile(file, $"the ground truth of '{image}' is missing.");
        return PngLabels.Read(InputFile.ReadAllBytes(file, ImageLimits.MaxFileBytes), file);
    }
}
