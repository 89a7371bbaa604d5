using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>A kind of files that hold many images each.</summary>
/// <param name="IsKnown">
/// Whether a file of a tree has a name that such sets are published with, and its content.
/// </param>
/// <param name="IsTraining">Whether a file of that name belongs to the training part.</param>
/// <param name="IsTest">Whether a file of that name belongs to the test part.</param>
/// <param name="TakesSeveral">Whether a part may be in several files.</param>
/// <param name="Open">Opens the files of a part.</param>
internal sealed record BinaryKind(
    Func<FileTree, string, bool> IsKnown,
    Func<string, bool> IsTraining,
    Func<string, bool> IsTest,
    bool TakesSeveral,
    Func<FileTree, IReadOnlyList<string>, ImageSource> Open);
