namespace Bitis.Data.Sources;

/// <summary>
/// MNIST and its relatives: an IDX file of gray images <c>[count, height, width]</c> and, beside it under the matching
/// name, one of labels <c>[count]</c>.
/// </summary>
internal sealed class IdxSource : ImageSource
{
    /// <summary>The dimensions of an image file.</summary>
    public const int ImageRank = 3;

    private readonly string _path;
    private readonly IdxFile _images;
    private readonly byte[]? _labels;
    private readonly int? _classes;

    /// <summary>Opens an image file and, if there is one, its label file.</summary>
    /// <exception cref="BitisException">A file is damaged, or there are more or fewer labels than images.</exception>
    public IdxSource(string path)
    {
        _path = path;
        _images = IdxFile.Read(path, ImageRank);
        ImageLimits.CheckSize(Width, Height, path);
        string? labelPath = LabelPath(path);
        if (labelPath is null)
            return;
        _labels = IdxFile.Read(labelPath, rank: 1).Data;
        if (_labels.Length != Count)
            throw BitisException.InFile(labelPath, $"{_labels.Length} labels for {Count} images in {path}.");
        _classes = 1 + _labels.Max();
    }

    public override int Count => _images.Sizes[0];

    public override string Description => $"{Path.GetFileName(_path)} (IDX), {Count} images of {Width}×{Height}";

    /// <summary>The format has no number of classes, so it is taken from the largest label.</summary>
    public override int? ClassCount => _classes;

    private int Height => _images.Sizes[1];

    private int Width => _images.Sizes[2];

    public override string Name(int index) => $"{Path.GetFileName(_path)} {index}";

    public override int? Label(int index) => _labels?[index];

    protected override PixelImage ReadImage(int index)
    {
        int length = Width * Height;
        ReadOnlySpan<byte> gray = _images.Data.AsSpan(index * length, length);
        return PixelImage.Gray(Width, Height, gray.ToArray());
    }

    /// <summary><c>train-images-idx3-ubyte.gz</c> belongs to <c>train-labels-idx1-ubyte</c>, gzipped or not.</summary>
    private static string? LabelPath(string path)
    {
        string imageName = Path.GetFileName(path);
        string name = imageName
            .Replace("images", "labels", StringComparison.Ordinal)
            .Replace("idx3", "idx1", StringComparison.Ordinal);
        if (name == imageName)
            return null;
        string plain = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;
        string folder = Path.GetDirectoryName(path) ?? "";
        string[] candidates = [Path.Combine(folder, plain), Path.Combine(folder, plain + ".gz")];
        return candidates.FirstOrDefault(File.Exists);
    }
}
