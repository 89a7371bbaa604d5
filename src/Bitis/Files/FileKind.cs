namespace Bitis.Files;

/// <summary>What a path leads to.</summary>
internal enum FileKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A device that takes one byte after another, such as <c>/dev/null</c> or a terminal.</summary>
    Device,

    /// <summary>A pipe, with or without a name.</summary>
    Pipe,

    /// <summary>A disk, a socket: nothing to write a model to.</summary>
    Other,
}
