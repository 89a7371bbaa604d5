using Bitis.Checkpoints.Torch.Pickle;
using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>
/// CIFAR as Python's batches: pickles of a dictionary with an array <c>data</c> of <c>[count, 3072]</c> bytes and a
/// list of <c>labels</c>, or <c>fine_labels</c> for CIFAR-100. They are read as data; nothing in them is run.
/// </summary>
/// <remarks>Memory: the images, and twice a file while it is read.</remarks>
internal static class CifarPython
{
    /// <summary>The published files have at most 155 MB.</summary>
    private const int MaxFileBytes = 256 << 20;

    private const int MaxMetaBytes = 1 << 20;

    /// <summary>Whether a file name of the published archives belongs to the training part.</summary>
    public static bool IsTraining(string fileName) =>
        fileName is "train"
        || (
            fileName.StartsWith("data_batch_", StringComparison.Ordinal)
                && !fileName.Contains('.', StringComparison.Ordinal));

    /// <summary>Whether a file name of the published archives belongs to the test part.</summary>
    public static bool IsTest(string fileName) => fileName is "test" or "test_batch";

    /// <summary>Whether a file starts as pickles of protocols 2 to 5 do.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> start) =>
        start.Length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5;

    /// <summary>Opens files that together are one set.</summary>
    /// <param name="tree">Where they are; it is closed with the source.</param>
    /// <param name="files">Their names in the tree.</param>
    /// <exception cref="BitisException">
    /// A file is damaged, holds something else, or is of another set than the first.
    /// </exception>
    public static CifarSource Open(FileTree tree, IReadOnlyList<string> files)
    {
        CifarFile[] read = [.. files.Select(file => Read(tree, file))];
        if (Array.Find(read, file => file.Classes != read[0].Classes) is { } other)
        {
            throw BitisException.InFile(
                tree.FullName(other.Name),
                    $"this is CIFAR-{other.Classes}, the files beside it are CIFAR-{read[0].Classes}.");
        }
        return new CifarSource(tree, read, NamesBeside(tree, files[0], read[0].Classes));
    }

    private static CifarFile Read(FileTree tree, string file)
    {
        PickleDictionary batch = ReadDictionary(tree, file, MaxFileBytes);
        string path = tree.FullName(file);
        object? fine = Find(batch, "fine_labels");
        int classes = fine is null ? 10 : 100;
        if ((fine ?? Find(batch, "labels")) is not List<object?> labels
            || NumpyArray.Of(Find(batch, "data")) is not { } data)
        {
            throw BitisException.InFile(
                path,
                    "this pickle is no batch of CIFAR: an array 'data' and a list 'labels' or 'fine_labels' were "
                    + "expected.");
        }
        bool fits = data is { DType: "u1", Shape: [var count, CifarFile.ImageLength] }
            && count > 0
            && count == labels.Count
            && data.Bytes.Length == count * CifarFile.ImageLength;
        if (!fits)
        {
            throw BitisException.InFile(
                path,
                $"the array 'data' is {string.Join('×', data.Shape)} of {data.DType} in {data.Bytes.Length} bytes; "
                + $"{labels.Count}×{CifarFile.ImageLength} of u1 were expected for "
                + $"{DisplayText.Count(labels.Count, "label")}.");
        }
        byte[] known = new byte[labels.Count];
        for (int i = 0; i < known.Length; i++)
        {
            known[i] = labels[i] is long label && label >= 0 && label < classes
                ? (byte)label
                : throw BitisException.InFile(path, $"the label of image {i} is no number from 0 to {classes - 1}.");
        }
        return new CifarFile(
            Path.GetFileName(file), classes, known, DataFile.Of(path, data.Bytes), offset: 0, CifarFile.ImageLength);
    }

    /// <summary>The classes' names in the file <c>batches.meta</c> (CIFAR-10) or <c>meta</c> (CIFAR-100).</summary>
    private static IReadOnlyList<string>? NamesBeside(FileTree tree, string file, int classes)
    {
        string folder = file[..(file.LastIndexOf('/') + 1)];
        (string name, string key) = classes == 10 ? ("batches.meta", "label_names") : ("meta", "fine_label_names");
        if (!tree.Files.Contains(folder + name))
            return classes == 10 ? CifarBinary.Cifar10Names : null;
        PickleDictionary meta = ReadDictionary(tree, folder + name, MaxMetaBytes);
        string[] names = Find(meta, key) is List<object?> list ? [.. list.Select(TextOf).OfType<string>()] : [];
        return names.Length == classes
            ? names
            : throw BitisException.InFile(
                tree.FullName(folder + name), $"a list '{key}' of {classes} class names was expected.");
    }

    private static PickleDictionary ReadDictionary(FileTree tree, string file, int maxBytes)
    {
        string path = tree.FullName(file);
        using DataFile data = tree.OpenData(file, maxBytes);
        if (data.Length > maxBytes)
        {
            throw BitisException.InFile(
                path, $"the file has {data.Length} bytes; at most {maxBytes} are accepted here.");
        }

        var reader = new PickleReader(new DataFileBytes(data), path, path, RefuseReference, data.Length);
        return reader.Read() as PickleDictionary
            ?? throw BitisException.InFile(path, "this pickle is no dictionary, as batches of CIFAR are.");
    }

    private static object? RefuseReference(object? id) =>
        throw new BitisException("the pickle refers to other files, which batches of CIFAR do not.");

    /// <summary>The value of a key, which is a text of Python 2 or bytes of Python 3.</summary>
    private static object? Find(PickleDictionary dictionary, string key) =>
        dictionary[key] ?? dictionary.Items.FirstOrDefault(item => item.Key is byte[] && TextOf(item.Key) == key).Value;

    private static string? TextOf(object? value) => value switch
    {
        string text => text,
        byte[] bytes => System.Text.Encoding.Latin1.GetString(bytes),
        _ => null,
    };
}
