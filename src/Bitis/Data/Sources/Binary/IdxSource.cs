using System.Numerics.Tensors;
using Bitis.Data.Decoding;
using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>MNIST and its relatives: an IDX file of gray images and one of labels beside it.</summary>
/// <remarks>
/// Images are <c>[count, height, width]</c>, labels <c>[count]</c>. The names of the two files match.
/// </remarks>
internal sealed class IdxSource : ImageSource
{
    private const int ImageRank = 3;
    private const string GzipExtension = ".gz";

    private readonly FileTree _tree;
    private readonly string _name;
    private readonly IdxFile _images;
    private readonly ReadOnlyMemory<byte>? _labels;
    private readonly int? _classes;

    /// <summary>
    /// Reads an image file and its label file, if there is one. The tree is disposed with the source.
    /// </summary>
    /// <exception cref="BitisException">A file is damaged, or the numbers of labels and images differ.</exception>
    public IdxSource(FileTree tree, string file)
    {
        string path = tree.FullName(file);
        _tree = tree;
        _name = Path.GetFileName(file);
        _images = ReadFile(tree, file, ImageRank);
        ImageLimits.CheckSize(Width, Height, path);
        if (LabelFileOf(tree, file) is not { } labelFile)
            return;
        _labels = ReadFile(tree, labelFile, rank: 1).Data;
        if (_labels.Value.Length != Count)
        {
            throw BitisException.InFile(
                tree.FullName(labelFile),
                $"{DisplayText.Count(_labels.Value.Length, "label")} for "
                + $"{DisplayText.Count(Count, "image")} in {path}.");
        }
        _classes = 1 + TensorPrimitives.Max(_labels.Value.Span);
    }

    public override int Count => _images.Sizes[0];

    public override string Description => $"{_name} (IDX), {DisplayText.Count(Count, "image")} of {Width}×{Height}";

    /// <summary>The format has no number of classes, so it is taken from the largest label.</summary>
    public override int? ClassCount => _classes;

    private int Height => _images.Sizes[1];

    private int Width => _images.Sizes[2];

    /// <summary>Whether a file, also a gzipped one, holds images in MNIST's format.</summary>
    public static bool Recognizes(DataFile file) => IdxFile.Recognizes(file, ImageRank);

    /// <summary>Whether a name is that of a published image file.</summary>
    public static bool IsKnownName(string fileName) =>
        fileName.Contains("images", StringComparison.Ordinal) && fileName.Contains("idx3", StringComparison.Ordinal);

    /// <summary>Whether a file with a known name belongs to the test part.</summary>
    public static bool IsTest(string fileName) =>
        fileName.Contains("t10k", StringComparison.Ordinal) || fileName.Contains("test", StringComparison.Ordinal);

    /// <summary>Whether a file with a known name belongs to the training part.</summary>
    public static bool IsTraining(string fileName) => fileName.Contains("train", StringComparison.Ordinal);

    /// <summary>The names without compressed files whose uncompressed form is there, too.</summary>
    public static IEnumerable<string> WithoutCopies(IReadOnlyCollection<string> names) =>
        names.Where(name => !name.EndsWith(GzipExtension, StringComparison.Ordinal)
            || !names.Contains(name[..^GzipExtension.Length]));

    public override string Name(int index) => $"{_name} {index}";

    public override int? Label(int index) => _labels?.Span[index];

    protected override PixelImage ReadImage(int index)
    {
        int length = Width * Height;
        return PixelImage.Gray(Width, Height, _images.Data.Slice(index * length, length).ToArray());
    }

    protected override void Dispose(bool disposing)
    {
        _tree.Dispose();
        base.Dispose(disposing);
    }

    private static IdxFile ReadFile(FileTree tree, string file, int rank)
    {
        using DataFile data = tree.OpenData(file, IdxFile.MaxFileBytes);
        return IdxFile.Read(data, rank);
    }

    /// <summary>
    /// The label file of an image file: <c>train-labels-idx1-ubyte</c> for <c>train-images-idx3-ubyte.gz</c>, gzipped
    /// or not.
    /// </summary>
    private static string? LabelFileOf(FileTree tree, string file)
    {
        int nameStart = file.LastIndexOf('/') + 1;
        string imageName = file[nameStart..];
        string name = imageName
            .Replace("images", "labels", StringComparison.Ordinal)
            .Replace("idx3", "idx1", StringComparison.Ordinal);
        if (name == imageName)
            return null;
        if (name.EndsWith(GzipExtension, StringComparison.Ordinal))
            name = name[..^GzipExtension.Length];
        string plain = file[..nameStart] + name;
        return tree.Files.Contains(plain) ? plain
            : tree.Files.Contains(plain + GzipExtension) ? plain + GzipExtension
            : null;
    }
}
