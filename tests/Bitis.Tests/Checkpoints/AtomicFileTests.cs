using System.Diagnostics;
using Bitis.Files;
using Microsoft.Win32.SafeHandles;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// Where outputs go: regular files, links, devices, pipes; what they keep, and what they leave behind.
/// </summary>
public sealed class AtomicFileTests : IDisposable
{
    private static readonly byte[] Contents = [1, 2, 3, 4];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    public void A_device_is_written_to_and_stays_a_device()
    {
        AtomicFile.Write("/dev/null", Write);
        Assert.True(OutputTarget.Resolve("/dev/null").IsStream);
        Assert.Empty(Directory.GetFiles("/dev", ".bitis*"));
        Assert.Contains(
            "/dev/full: cannot be written: No space left", Refused(() => AtomicFile.Write("/dev/full", Write)));
    }

    [LinuxFact]
    public void A_pipe_gets_the_bytes()
    {
        string pipe = _folder["pipe"];
        using (Process make = Process.Start("mkfifo", [pipe]))
            make.WaitForExit();
        Task<byte[]> reader = Task.Run(() =>
        {
            using SafeFileHandle handle = File.OpenHandle(pipe);
            using var stream = new FileStream(handle, FileAccess.Read);
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
        using OutputTarget target = OutputTarget.Resolve(pipe);
        Assert.True(target.IsStream);
        while (!IsRead(target))
            Thread.Yield(); // until the reader is there
        AtomicFile.Write(pipe, Write); // the reader has not seen an end before
        target.Dispose();
        Assert.Equal(Contents, reader.Result);
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [LinuxFact]
    public async Task A_pipe_that_nobody_reads_from_is_refused_instead_of_waited_for()
    {
        string pipe = _folder["pipe"];
        using (Process make = Process.Start("mkfifo", [pipe]))
            await make.WaitForExitAsync();
        Action[] uses = [() => OutputTarget.Resolve(pipe).RequireWritable(), () => AtomicFile.Write(pipe, Write)];
        foreach (Action use in uses)
        {
            Task<string> refused = Task.Run(() => Refused(use));
            Assert.Contains("nobody reads from", await refused.WaitAsync(TimeSpan.FromMinutes(1)));
        }
    }

    [LinuxFact]
    public void A_disk_is_refused()
    {
        string? disk = Directory.GetFiles("/dev").FirstOrDefault(file => FileFacts.Of(file)?.Kind == FileKind.Other);
        if (disk is not null)
            Assert.Contains("this is a disk or a socket", Refused(() => OutputTarget.Resolve(disk)));
    }

    [LinuxFact]
    public void Links_stay_and_the_file_at_their_end_is_replaced()
    {
        string file = _folder.Write("there/model.bitis", [9]), first = _folder["first"], second = _folder["second"];
        File.CreateSymbolicLink(first, Path.Combine("there", "model.bitis"));
        File.CreateSymbolicLink(second, first);
        AtomicFile.Write(second, Write);
        Assert.Equal(Contents, File.ReadAllBytes(file));
        Assert.Equal(first, new FileInfo(second).LinkTarget);
        Assert.Equal(Path.Combine("there", "model.bitis"), new FileInfo(first).LinkTarget);
        Assert.Single(Directory.GetFileSystemEntries(_folder["there"]));
    }

    [LinuxFact]
    public void Links_that_lead_nowhere_are_refused()
    {
        File.CreateSymbolicLink(_folder["dangling"], _folder["missing"]);
        File.CreateSymbolicLink(_folder["loop"], _folder["loop"]);
        Assert.Contains(
            $"a link to '{_folder["missing"]}', which does not exist",
            Refused(() => OutputTarget.Resolve(_folder["dangling"])));
        Assert.Contains("cannot be written", Refused(() => OutputTarget.Resolve(_folder["loop"])));
        Assert.False(File.Exists(_folder["missing"]));
    }

    [LinuxFact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void An_existing_file_keeps_its_permissions_and_a_new_one_has_the_usual()
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        string file = _folder.Write("private", [9]), usual = _folder.Write("usual", [9]);
        File.SetUnixFileMode(file, Private);
        AtomicFile.Write(file, _ => Assert.Equal(Private, File.GetUnixFileMode(Temporary())));
        Assert.Equal(Private, File.GetUnixFileMode(file));
        File.SetUnixFileMode(file, Private | UnixFileMode.OtherWrite);
        AtomicFile.Write(file, Write);
        Assert.Equal(Private | UnixFileMode.OtherWrite, File.GetUnixFileMode(file)); // the umask does not count here
        AtomicFile.Write(_folder["new"], Write);
        Assert.Equal(File.GetUnixFileMode(usual), File.GetUnixFileMode(_folder["new"]));
    }

    [LinuxFact]
    public void Further_hard_links_keep_the_old_file_and_the_notice_says_so()
    {
        string file = _folder.Write("a", [9]), other = _folder["b"];
        using (Process link = Process.Start("ln", [file, other]))
            link.WaitForExit();
        Assert.Contains("2 names (hard links)", OutputTarget.Resolve(file).Notice);
        AtomicFile.Write(file, Write);
        Assert.Equal(Contents, File.ReadAllBytes(file));
        Assert.Equal([9], File.ReadAllBytes(other));
        Assert.Null(OutputTarget.Resolve(file).Notice);
    }

    [LinuxFact(asUser: true)]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Read_only_files_and_folders_are_refused_before_the_work()
    {
        string file = _folder.Write("folder/file", [9]);
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        Assert.Contains("its permissions do not allow it", Refused(() => OutputTarget.Resolve(file).RequireWritable()));
        File.SetUnixFileMode(_folder["folder"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains("no permission", Refused(() => OutputTarget.Resolve(_folder["folder/new"]).RequireWritable()));
        Assert.Contains("cannot be written to", Refused(() => OutputFolder.RequireWritable(_folder["folder"])));
        Assert.Contains("cannot be created", Refused(() => OutputFolder.RequireWritable(_folder["folder/new/er"])));
        File.SetUnixFileMode(
            _folder["folder"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public void Names_that_no_file_can_have_are_refused_before_the_work()
    {
        string longest = new('n', 255), cats = new('猫', 86); // 258 bytes
        OutputTarget.Resolve(_folder[longest]).RequireWritable();
        AtomicFile.Write(_folder[longest], Write);
        Assert.Equal(Contents, File.ReadAllBytes(_folder[longest]));
        foreach (string name in (string[])[longest + "n", .. OperatingSystem.IsLinux() ? (string[])[cats] : [], "a\0b"])
        {
            Assert.Contains("cannot be written", Refused(() => OutputTarget.Resolve(_folder[name]).RequireWritable()));
            Assert.Contains(
                "cannot be created", Refused(() => OutputFolder.RequireWritable(_folder[Path.Combine("x", name)])));
        }
        Assert.Contains(
            "'" + _folder[longest] + "' is a file",
            Refused(() => OutputTarget.Resolve(_folder[Path.Combine(longest, "x")])));
        Assert.Contains(
            "does not exist", Refused(() => OutputTarget.Resolve(_folder["new"] + Path.DirectorySeparatorChar)));
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void An_output_replaces_no_input_under_any_name()
    {
        string input = _folder.Write("in/a.pth", [1]), link = _folder["link"], twin = _folder["twin"];
        OutputTarget target = OutputTarget.Resolve(input);
        Assert.Contains("the same file as the input", Refused(() => target.RequireOtherThan(null, "missing", input)));
        // as in a.zip/train
        Assert.Contains("the same file", Refused(() => target.RequireOtherThan(Path.Combine(input, "train"))));
        Assert.Contains("a file in the input", Refused(() => target.RequireOtherThan(_folder["in"])));
        OutputTarget.Resolve(_folder["in/new"]).RequireOtherThan(_folder["in"]);
        target.RequireOtherThan(_folder["elsewhere/x"], _folder.Write("other", [1]));
        if (!OperatingSystem.IsLinux())
            return;
        File.CreateSymbolicLink(link, input);
        using (Process hard = Process.Start("ln", [input, twin]))
            hard.WaitForExit();
        foreach (string name in (string[])[link, twin])
        {
            Assert.Contains("the same file", Refused(() => OutputTarget.Resolve(name).RequireOtherThan(input)));
            Assert.Contains("the same file", Refused(() => target.RequireOtherThan(name)));
        }
        Assert.Contains(
            "a file in the input", Refused(() => OutputTarget.Resolve(link).RequireOtherThan(_folder["in"])));
    }

    [Fact]
    public void What_killed_processes_have_left_is_removed_and_nothing_else()
    {
        string stale = _folder.Write($".bitis-{Guid.NewGuid():N}.tmp", [1]);
        string[] others = [".bitis-notes.tmp", ".other-0123456789abcdef0123456789abcdef.tmp", "model.bitis"];
        foreach (string other in others)
            _folder.Write(other, [1]);
        using (FileStream living = TemporaryFiles.Create(_folder.Path, mode: null))
        {
            AtomicFile.Write(_folder["new"], Write);
            Assert.False(File.Exists(stale));
            Assert.True(File.Exists(living.Name));
        }
        OutputTarget.Resolve(_folder["new"]).RequireWritable();
        Assert.Equal(others.Append("new").Order(), Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    [LinuxFact]
    public void A_pipe_or_link_with_the_name_of_a_temporary_file_is_no_trap()
    {
        string pipe = _folder[$".bitis-{Guid.NewGuid():N}.tmp"], link = _folder[$".bitis-{Guid.NewGuid():N}.tmp"];
        using (Process make = Process.Start("mkfifo", [pipe]))
            make.WaitForExit();
        string precious = _folder.Write("precious", [1]);
        File.CreateSymbolicLink(link, precious);
        AtomicFile.Write(_folder["new"], Write);
        Assert.True(File.Exists(precious));
        Assert.True(File.Exists(pipe));
    }

    [Fact]
    public void Processes_that_write_to_one_folder_at_once_do_not_take_each_others_files_for_left_over()
    {
        Parallel.For(
            0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => AtomicFile.Write(_folder[$"{i}"], Write));
        Assert.Equal(200, Directory.GetFileSystemEntries(_folder.Path).Length);
    }

    [Fact]
    public void A_file_is_readable_as_soon_as_it_has_its_name()
    {
        using FileStream temporary = TemporaryFiles.Create(_folder.Path, mode: null);
        if (OperatingSystem.IsLinux())
            File.OpenHandle(temporary.Name, share: FileShare.Read).Dispose();
        Assert.Throws<IOException>(() => File.OpenHandle(temporary.Name, share: FileShare.None));
    }

    private static bool IsRead(OutputTarget pipe)
    {
        try
        {
            pipe.RequireWritable();
            return true;
        }
        catch (BitisException)
        {
            return false;
        }
    }

    private static void Write(Stream stream) => stream.Write(Contents);

    private string Temporary() => Assert.Single(Directory.GetFiles(_folder.Path, ".bitis-*"));

    private static string Refused(Func<object?> action) => Assert.Throws<BitisException>(action).Message;

    private static string Refused(Action action) => Assert.Throws<BitisException>(action).Message;
}
