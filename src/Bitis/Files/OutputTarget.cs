using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bitis.Files;

/// <summary>Where an output goes.</summary>
/// <remarks>
/// A regular file is replaced as a whole, at the end of all links, which stay; a device or a pipe is written to as it
/// is. Everything else is refused, with one message, before there is anything to write.
/// </remarks>
internal sealed partial class OutputTarget : IDisposable
{
    // Of Linux, as pipes are known there only.
    private const int WriteOnly = 1, NonBlocking = 0x800, CloseOnExecute = 0x80000;

    private readonly FileFacts? _facts;
    private SafeFileHandle? _pipe;

    private OutputTarget(string path, string file, FileFacts? facts)
    {
        Path = path;
        File = file;
        _facts = facts;
    }

    /// <summary>The path as the user gave it.</summary>
    public string Path { get; }

    /// <summary>Whether it is a device or a pipe, which keeps nothing that could be read again.</summary>
    public bool IsStream => _facts?.Kind is FileKind.Device or FileKind.Pipe;

    /// <summary>What to tell the user about an existing file with further hard links; null for all others.</summary>
    public string? Notice => _facts is { Kind: FileKind.File, Names: > 1 }
        ? $"{Path}: this file has {_facts.Names} names (hard links); only this one gets the new contents, "
            + "the others keep the old file."
        : null;

    /// <summary>The file at the end of all links.</summary>
    internal string File { get; }

    /// <summary>The folder of <see cref="File"/>.</summary>
    internal string Folder => System.IO.Path.GetDirectoryName(File) ?? File;

    /// <summary>The file that is there already; null if there is none.</summary>
    internal FileFacts? Existing => _facts;

    /// <summary>Follows the links of a path.</summary>
    /// <exception cref="BitisException">No file can be written there; the message says why.</exception>
    public static OutputTarget Resolve(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        InputPath.RequireUtf8(path);
        try
        {
            string full = System.IO.Path.GetFullPath(path);
            FileFacts? facts = FileFacts.Of(full);
            if (facts is null)
                return ForNew(path, full);
            if (facts.Kind == FileKind.Folder)
                throw Refused(path, "this is a folder; give a file name");
            if (facts.Kind == FileKind.Other)
                throw Refused(path, "this is a disk or a socket; give a file name");
            if (facts.IsMounted && facts.Kind == FileKind.File)
                throw Refused(path, "something is mounted at this file, so it cannot be replaced; give another name");
            if (facts.Kind != FileKind.File)
                return new OutputTarget(path, full, facts);
            string end = System.IO.File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
            return FileFacts.Of(end)?.Identity == facts.Identity
                ? new OutputTarget(path, end, facts)
                : throw Refused(path, "this leads to a file that no longer has a name; give another one");
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Refused(path, SystemMessage.Of(e), e);
        }
    }

    /// <summary>Finds out before the work, and not after it, that a file cannot be written. Leaves nothing
    /// behind.</summary>
    /// <exception cref="BitisException">It cannot; the message says why.</exception>
    public void RequireWritable()
    {
        if (_facts is not null && !FileFacts.MayWrite(File))
            throw Refused(Path, "its permissions do not allow it");
        RequireOtherThanReport();
        if (IsStream)
        {
            _pipe ??= OpenPipe(); // kept, since closing it would end the reader's input
            return;
        }
        TemporaryFiles.RemoveStale(Folder);
        try
        {
            RequireName();
            string temporary;
            using (FileStream probe = TemporaryFiles.Create(Folder, mode: null))
                temporary = probe.Name;
            System.IO.File.Delete(temporary);
        }
        catch (UnauthorizedAccessException e)
        {
            throw NoPermission(e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw Refused(Path, SystemMessage.Of(e), e);
        }
    }

    /// <summary>
    /// A file is replaced, so that what standard output or standard error still writes to it would be lost.
    /// </summary>
    private void RequireOtherThanReport()
    {
        if (_facts?.Kind is not (FileKind.File or FileKind.Pipe))
            return;
        foreach (int descriptor in (int[])[1, 2])
        {
            if (FileFacts.Of($"/proc/self/fd/{descriptor}")?.Identity == _facts.Identity)
            {
                throw Refused(
                    Path, "this is where the report or messages go (standard output or error); give another file name");
            }
        }
    }

    /// <summary>Closes a pipe that <see cref="RequireWritable"/> keeps open for its reader.</summary>
    public void Dispose() => _pipe?.Dispose();

    /// <summary>Opens a pipe, which otherwise waits for its reader; null for all else.</summary>
    /// <exception cref="BitisException">Nobody reads from the pipe, or it cannot be opened.</exception>
    internal SafeFileHandle? OpenPipe()
    {
        if (_facts?.Kind != FileKind.Pipe)
            return null;
        int handle = Open(File, WriteOnly | NonBlocking | CloseOnExecute);
        return handle >= 0
            ? new SafeFileHandle(handle, ownsHandle: true)
            : throw Refused(Path, "this is a pipe that nobody reads from; start its reader first, or give a file name");
    }

    /// <summary>Makes sure that an output replaces none of the inputs, under whatever name.</summary>
    /// <param name="inputs">Files and folders; what does not exist, and null, is skipped. In a folder any existing file
    /// counts.</param>
    /// <exception cref="BitisException">It would replace one.</exception>
    public void RequireOtherThan(params IEnumerable<string?> inputs)
    {
        if (_facts is null || IsStream)
            return;
        foreach (string input in inputs.OfType<string>())
        {
            FileFacts? facts = FactsOfInput(input);
            if (facts?.Identity == _facts.Identity)
            {
                throw Refused(
                    Path,
                    $"this is the same file as the input {DisplayText.Of(input)}, which would be lost; give another "
                    + "name");
            }
            if (facts?.Kind == FileKind.Folder && IsInside(facts.Identity))
            {
                throw Refused(
                    Path,
                        $"this is a file in the input {DisplayText.Of(input)}, which would be lost; give another name");
            }
        }
    }

    /// <summary>The message for a file that may not be written.</summary>
    internal BitisException NoPermission(Exception e) =>
        Refused(Path, $"no permission to write to the folder '{Folder}'", e);

    /// <summary>The message for a file that cannot be written.</summary>
    internal static BitisException Refused(string path, string why, Exception? cause = null)
    {
        string message = $"{path}: cannot be written: {why}.";
        return cause is null ? new BitisException(message) : new BitisException(message, cause);
    }

    private static OutputTarget ForNew(string path, string full)
    {
        if (new FileInfo(full).LinkTarget is { } target)
        {
            throw Refused(
                path,
                    $"this is a link to '{target}', which does not exist; create that file first, or give another "
                    + "name");
        }
        string folder = System.IO.Path.GetDirectoryName(full) ?? full;
        if (!Directory.Exists(folder))
        {
            throw Refused(path, System.IO.File.Exists(folder)
                ? $"'{folder}' is a file, not a folder"
                : $"the folder '{folder}' does not exist; create it first");
        }
        return System.IO.Path.EndsInDirectorySeparator(full)
            ? throw Refused(path, "this names a folder; give a file name")
            : new OutputTarget(path, full, facts: null);
    }

    /// <summary>An input may be a part of a file, as in <c>cifar10.zip/train</c>.</summary>
    private static FileFacts? FactsOfInput(string input)
    {
        FileFacts? facts = null;
        try
        {
            facts = FileFacts.Of(input);
            for (string? outer = input; facts is null && !string.IsNullOrEmpty(outer);)
            {
                outer = System.IO.Path.GetDirectoryName(outer);
                if (!string.IsNullOrEmpty(outer) && FileFacts.Of(outer) is { } found)
                    return found.Kind == FileKind.File ? found : null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Whoever opens the input says what is wrong with it.
        }
        return facts;
    }

    private bool IsInside(string folderIdentity)
    {
        for (string? folder = Folder; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            if (FileFacts.Of(folder)?.Identity == folderIdentity)
                return true;
        }
        return false;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    /// <summary>Whether the file system takes the name: its length and its characters.</summary>
    private void RequireName()
    {
        try
        {
            using var file = new FileStream(
                File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        }
        catch (FileNotFoundException)
        {
            // A new file.
        }
        catch (UnauthorizedAccessException) when (_facts is not null)
        {
            // May be written, but not read.
        }
    }
}
