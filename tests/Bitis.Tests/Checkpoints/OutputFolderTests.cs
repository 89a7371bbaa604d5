using Bitis.Files;

namespace Bitis.Tests.Checkpoints;

public sealed class OutputFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folders_that_stay_empty_are_removed_if_the_work_fails()
    {
        string path = _folder["a/b/c"];
        Assert.Throws<InvalidOperationException>(() => OutputFolder.Fill(path, Fail));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

        Directory.CreateDirectory(_folder["a"]);
        Assert.Throws<InvalidOperationException>(() => OutputFolder.Fill(path, Fail));
        Assert.Empty(Directory.GetFileSystemEntries(_folder["a"])); // was there before, and stays
    }

    [Fact]
    public void Folders_with_something_in_them_stay()
    {
        string path = _folder["a/b"], file = Path.Combine(path, "file");
        Assert.Throws<InvalidOperationException>(() => OutputFolder.Fill(path, () =>
        {
            File.WriteAllText(file, "1");
            Fail();
        }));
        Assert.True(File.Exists(file));
        OutputFolder.Fill(_folder["new"], () => { });
        Assert.True(Directory.Exists(_folder["new"]));
    }

    [Fact]
    public void A_file_in_the_way_is_named()
    {
        string file = _folder.Write("file", [1]), run = Path.Combine(file, "run");
        string message = Assert.Throws<BitisException>(() => OutputFolder.Fill(run, () => { })).Message;
        Assert.Contains($"{file}", message);
        Assert.Contains("cannot be created", message);
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData("No space left on device : '/dev/full'", "No space left on device")]
    [InlineData("No space left on device : '/a b/it's/.bitis-0123456789abcdef.tmp'.", "No space left on device")]
    [InlineData("Access to the path '/x/.bitis-0123456789abcdef.tmp' is denied.", "Access to the path is denied")]
    [InlineData("Could not find '/x/mine.tmp'.", "Could not find '/x/mine.tmp'")]
    public void Names_of_temporary_files_are_left_out_of_messages(string message, string expected) =>
        Assert.Equal(expected, SystemMessage.Of(new IOException(message)));

    [LinuxFact]
    public void A_folder_of_the_system_is_said_to_take_no_files()
    {
        string message = Assert.Throws<BitisException>(() => OutputFolder.RequireWritable("/proc/x")).Message;
        Assert.Equal("/proc/x: the folder cannot be created: no files can be created there.", message);
    }

    private static void Fail() => throw new InvalidOperationException();
}
