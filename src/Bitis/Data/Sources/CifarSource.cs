using Bitis.Checkpoints;
using Microsoft.Win32.SafeHandles;

namespace Bitis.Data.Sources;

/// <summary>
/// CIFAR-10 and CIFAR-100 in their binary form: records of one label byte (CIFAR-100: a coarse and a fine one, of which
/// the fine one counts) and a 32×32 image as three planes. Images are read from the files when they are asked for.
/// </summary>
/// <remarks>Work: the file once. Memory: a byte an image.</remarks>
internal sealed class CifarSource : ImageSource
{
    private const int Size = 32;
    private const int PlaneLength = Size * Size;
    private const int ImageLength = PixelImage.RgbChannels * PlaneLength;

    private static readonly string[] Cifar10Names =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    private readonly List<(SafeFileHandle Handle, string Path, int FirstIndex)> _files = [];
    private readonly List<byte> _labels = [];
    private readonly int _labelBytes;
    private readonly int _classes;
    private readonly string _description;

    /// <summary>Opens files that together are one set.</summary>
    /// <exception cref="BitisException">A file's length or a label is impossible for the kind of the first file.</exception>
    public CifarSource(IReadOnlyList<string> paths)
    {
        _labelBytes = LabelBytes(paths[0]);
        _classes = _labelBytes == 1 ? 10 : 100;
        try
        {
            foreach (string path in paths)
                Add(path);
        }
        catch
        {
            Dispose();
            throw;
        }
        ClassNames = _labelBytes == 1 ? Cifar10Names : FineNames(paths[0]);
        string files = string.Join(", ", paths.Select(Path.GetFileName));
        _description = $"CIFAR-{_classes} ({files}), {Count} images, {_classes} classes";
    }

    public override int Count => _labels.Count;

    public override string Description => _description;

    public override IReadOnlyList<string>? ClassNames { get; }

    public override int? ClassCount => _classes;

    private int RecordLength => _labelBytes + ImageLength;

    /// <summary>Whether a file name is one that the published archives use.</summary>
    public static bool IsKnownName(string fileName) => IsTraining(fileName) || IsTest(fileName);

    /// <summary>Whether a file of the published archives belongs to the training part.</summary>
    public static bool IsTraining(string fileName) =>
        fileName is "train.bin"
        || (fileName.StartsWith("data_batch_", StringComparison.Ordinal) && fileName.EndsWith(".bin", StringComparison.Ordinal));

    /// <summary>Whether a file of the published archives belongs to the test part.</summary>
    public static bool IsTest(string fileName) => fileName is "test.bin" or "test_batch.bin";

    public override string Name(int index)
    {
        (_, string path, int first) = FileOf(index);
        return $"{Path.GetFileName(path)} {index - first}";
    }

    public override int? Label(int index) => _labels[index];

    protected override PixelImage ReadImage(int index)
    {
        (SafeFileHandle handle, string path, int first) = FileOf(index);
        Span<byte> planes = stackalloc byte[ImageLength];
        long offset = (long)(index - first) * RecordLength + _labelBytes;
        ReadExactly(handle, planes, offset, path);
        byte[] rgb = new byte[ImageLength];
        for (int i = 0; i < PlaneLength; i++)
        {
            for (int c = 0; c < PixelImage.RgbChannels; c++)
                rgb[i * PixelImage.RgbChannels + c] = planes[c * PlaneLength + i];
        }
        return PixelImage.Rgb(Size, Size, rgb);
    }

    protected override void Dispose(bool disposing)
    {
        foreach ((SafeFileHandle handle, _, _) in _files)
            handle.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>1 for CIFAR-10, 2 for CIFAR-100: from the file's name if it is a known one, otherwise from its length.</summary>
    private static int LabelBytes(string path)
    {
        string fileName = Path.GetFileName(path);
        if (IsKnownName(fileName))
            return fileName is "train.bin" or "test.bin" ? 2 : 1;
        using FileStream stream = InputFile.Open(path);
        return stream.Length % (2 + ImageLength) == 0 && stream.Length % (1 + ImageLength) != 0 ? 2 : 1;
    }

    private static string[]? FineNames(string path)
    {
        string file = Path.Combine(Path.GetDirectoryName(path) ?? "", "fine_label_names.txt");
        if (!File.Exists(file))
            return null;
        string text = InputText.Decode(InputFile.ReadAllBytes(file, 1 << 16), file);
        string[] names = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length == 100
            ? names
            : throw BitisException.InFile(file, $"{names.Length} class names; 100 were expected.");
    }

    private static void ReadExactly(SafeFileHandle handle, Span<byte> buffer, long offset, string path)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                int read = RandomAccess.Read(handle, buffer, offset);
                if (read == 0)
                {
                    throw BitisException.InFile(
                        path,
                        $"the file ends at byte {offset}; it was longer when it was opened.");
                }
                buffer = buffer[read..];
                offset += read;
            }
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(path, e);
        }
    }

    private void Add(string path)
    {
        InputFile.RequireFile(path);
        SafeFileHandle handle;
        long length;
        try
        {
            handle = File.OpenHandle(path);
            _files.Add((handle, path, Count));
            length = RandomAccess.GetLength(handle);
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(path, e);
        }
        if (length == 0 || length % RecordLength != 0 || length / RecordLength > int.MaxValue - Count)
        {
            throw BitisException.InFile(
                path,
                $"the file has {length} bytes, which is not a whole number of CIFAR-{_classes} records of "
                + $"{RecordLength} bytes; it is truncated or something else.");
        }

        Span<byte> label = stackalloc byte[1];
        long records = length / RecordLength;
        for (long record = 0; record < records; record++)
        {
            long offset = record * RecordLength + _labelBytes - 1;
            ReadExactly(handle, label, offset, path);
            if (label[0] >= _classes)
            {
                throw BitisException.InFile(
                    path,
                    $"record {record} has the label {label[0]} at byte {offset}; 0 to {_classes - 1} were expected.");
            }
            _labels.Add(label[0]);
        }
    }

    private (SafeFileHandle Handle, string Path, int FirstIndex) FileOf(int index) =>
        _files.FindLast(file => file.FirstIndex <= index);
}
