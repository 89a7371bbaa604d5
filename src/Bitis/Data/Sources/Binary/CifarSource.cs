using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>CIFAR-10 and CIFAR-100: 32×32 images, each as three planes, read on demand.</summary>
/// <remarks>Work: the files once. Memory: one byte for each image, and what <see cref="CifarFile"/> keeps.</remarks>
internal sealed class CifarSource : ImageSource
{
    private readonly FileTree _tree;
    private readonly List<(CifarFile File, int FirstIndex)> _files = [];
    private readonly string _description;

    /// <summary>Creates the source of the files of one set. They and their tree are disposed with it.</summary>
    /// <param name="tree">Where the files are.</param>
    /// <param name="files">The files, of one format.</param>
    /// <param name="classNames">The names of the classes; null if they are not known.</param>
    public CifarSource(FileTree tree, IReadOnlyList<CifarFile> files, IReadOnlyList<string>? classNames)
    {
        _tree = tree;
        foreach (CifarFile file in files)
        {
            _files.Add((file, Count));
            Count = checked(Count + file.Labels.Length);
        }
        ClassNames = classNames;
        int classes = files[0].Classes;
        ClassCount = classes;
        string names = string.Join(", ", files.Select(file => file.Name));
        _description = $"CIFAR-{classes} ({names}), {DisplayText.Count(Count, "image")}, {classes} classes";
    }

    public override int Count { get; }

    public override string Description => _description;

    public override IReadOnlyList<string>? ClassNames { get; }

    public override int? ClassCount { get; }

    public override string Name(int index)
    {
        (CifarFile file, int first) = FileOf(index);
        return $"{file.Name} {index - first}";
    }

    public override int? Label(int index)
    {
        (CifarFile file, int first) = FileOf(index);
        return file.Labels[index - first];
    }

    protected override PixelImage ReadImage(int index)
    {
        (CifarFile file, int first) = FileOf(index);
        return file.Read(index - first);
    }

    protected override void Dispose(bool disposing)
    {
        foreach ((CifarFile file, _) in _files)
            file.Dispose();
        _tree.Dispose();
        base.Dispose(disposing);
    }

    private (CifarFile File, int FirstIndex) FileOf(int index)
    {
        for (int i = _files.Count - 1; i > 0; i--)
        {
            if (_files[i].FirstIndex <= index)
                return _files[i];
        }
        return _files[0];
    }
}
