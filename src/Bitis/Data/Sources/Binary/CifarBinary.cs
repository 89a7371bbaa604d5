using Bitis.Data.Sources.Trees;
using Bitis.Files;

namespace Bitis.Data.Sources.Binary;

/// <summary>CIFAR in its binary form: records of a label and an image.</summary>
/// <remarks>
/// A CIFAR-10 record has one label byte. A CIFAR-100 record has a coarse and a fine one, of which the fine one is used.
/// </remarks>
internal static class CifarBinary
{
    private const string Extension = ".bin", FineNamesFile = "fine_label_names.txt";

    /// <summary>The most bytes of all files of a set together, if they have to be unpacked.</summary>
    private const int MaxUnpackedBytes = 1 << 30;

    /// <summary>The classes of CIFAR-10.</summary>
    public static IReadOnlyList<string> Cifar10Names { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Whether a file of the published archives belongs to the training part.</summary>
    public static bool IsTraining(string fileName) =>
        fileName is "train.bin"
        || (fileName.StartsWith("data_batch_", StringComparison.Ordinal)
            && fileName.EndsWith(Extension, StringComparison.Ordinal));

    /// <summary>Whether a file of the published archives belongs to the test part.</summary>
    public static bool IsTest(string fileName) => fileName is "test.bin" or "test_batch.bin";

    /// <summary>Opens the files of one set.</summary>
    /// <param name="tree">Where they are.</param>
    /// <param name="files">Their names in the tree.</param>
    /// <exception cref="BitisException">
    /// A file's length or a label does not fit the format of the first file.
    /// </exception>
    public static CifarSource Open(FileTree tree, IReadOnlyList<string> files)
    {
        var opened = new List<CifarFile>();
        try
        {
            int labelBytes = 0, budget = MaxUnpackedBytes;
            foreach (string file in files)
            {
                DataFile data = tree.OpenData(file, budget);
                labelBytes = labelBytes == 0 ? LabelBytes(file, data.Length) : labelBytes;
                opened.Add(ReadLabels(Path.GetFileName(file), data, labelBytes));
                budget = (int)Math.Max(0, budget - data.Length);
            }
            return new CifarSource(tree, opened, labelBytes == 1 ? Cifar10Names : FineNames(tree, files[0]));
        }
        catch
        {
            opened.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The label bytes of a record: 1 for CIFAR-10, 2 for CIFAR-100, from the file's known name or its length.
    /// </summary>
    private static int LabelBytes(string file, long length)
    {
        string fileName = Path.GetFileName(file);
        if (IsTraining(fileName) || IsTest(fileName))
            return fileName is "train.bin" or "test.bin" ? 2 : 1;
        return length % (2 + CifarFile.ImageLength) == 0 && length % (1 + CifarFile.ImageLength) != 0 ? 2 : 1;
    }

    private static CifarFile ReadLabels(string name, DataFile data, int labelBytes)
    {
        int recordLength = labelBytes + CifarFile.ImageLength, classes = labelBytes == 1 ? 10 : 100;
        try
        {
            if (data.Length == 0 || data.Length % recordLength != 0 || data.Length / recordLength > Array.MaxLength)
            {
                throw BitisException.InFile(
                    data.Name,
                    $"the file has {DisplayText.Count(data.Length, "byte")}, which is not a whole number of "
                    + $"CIFAR-{classes} records of {recordLength} bytes; it is truncated or something else.");
            }
            byte[] labels = new byte[data.Length / recordLength];
            for (int record = 0; record < labels.Length; record++)
            {
                long offset = (long)record * recordLength + labelBytes - 1;
                data.ReadExactly(labels.AsSpan(record, 1), offset);
                if (labels[record] >= classes)
                {
                    throw BitisException.InFile(
                        data.Name,
                        $"record {record} has the label {labels[record]} at byte {offset}; 0 to {classes - 1} "
                            + "were expected.");
                }
            }
            return new CifarFile(name, classes, labels, data, labelBytes, recordLength);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static string[]? FineNames(FileTree tree, string file)
    {
        string namesFile = file[..(file.LastIndexOf('/') + 1)] + FineNamesFile;
        if (!tree.Files.Contains(namesFile))
            return null;
        string text = InputText.Decode(tree.Read(namesFile, 1 << 16), tree.FullName(namesFile));
        string[] names = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length == 100
            ? names
            : throw BitisException.InFile(
                tree.FullName(namesFile), $"{DisplayText.Count(names.Length, "class name")}; 100 were expected.");
    }
}
