using System.Diagnostics;
using Bitis.Cli;

namespace Bitis.Tests.Cli;

/// <summary>What stops a command half way: the user, or the disk. No file is left behind.</summary>
public sealed class InterruptionTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_cancelled_command_writes_nothing()
    {
        string images = _folder.WriteImages("images", 4, 2), output = _folder["vim.bitis"];
        using var error = new StringWriter();
        var context = new CliContext
        {
            Output = TextWriter.Null,
            Error = error,
            Cancellation = new CancellationToken(canceled: true),
        };
        Assert.Equal(2, CommandLine.Run(["quantize", Checkpoint, "--calibration", images, "-o", output], context));
        Assert.Equal($"cancelled; no output was written{Environment.NewLine}", LastLine(error.ToString()));
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void A_cancelled_command_that_writes_nothing_does_not_talk_of_it()
    {
        string[][] commands =
        [
            ["eval", Checkpoint, "--data", _folder.WriteIdx("noise-images-idx3-ubyte", 4)],
            ["bench", Checkpoint, "--images", "1"],
        ];
        foreach (string[] command in commands)
        {
            using var error = new StringWriter();
            var cancelled = new CancellationToken(canceled: true);
            var context = new CliContext { Output = TextWriter.Null, Error = error, Cancellation = cancelled };
            Assert.Equal(2, CommandLine.Run(command, context));
            Assert.Equal($"cancelled{Environment.NewLine}", LastLine(error.ToString()));
        }
    }

    [Fact]
    public void Ctrl_C_half_way_ends_the_process_cleanly()
    {
        if (OperatingSystem.IsWindows())
            return; // signals cannot be sent to one process there
        string images = _folder.WriteIdx("noise-images-idx3-ubyte", 50_000), results = _folder.CreateFolder("results");
        using Process process = CliRunner.Start(
            "quantize", Checkpoint, "--calibration", images, "--images", "50000", "-o", Path.Combine(
                results, "vim.bitis"));
        Thread.Sleep(TimeSpan.FromSeconds(1.5));
        Assert.False(process.HasExited, "the work ended before it could be interrupted");
        using (Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            kill.WaitForExit();
        CliOutcome outcome = CliRunner.Finish(process).AssertRefused();
        Assert.Equal($"cancelled; no output was written{Environment.NewLine}", LastLine(outcome.Error));
        Assert.Empty(Directory.GetFileSystemEntries(results));
    }

    [MountFact]
    public void A_full_disk_leaves_no_partial_file()
    {
        string images = _folder.WriteImages("images", 4, 2), small = _folder.CreateFolder("small");
        MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", small);
        try
        {
            string output = Path.Combine(small, "vim.bitis");
            CliRunner.Run("quantize", Checkpoint, "--calibration", images, "-o", output)
                .AssertRefused(output, "cannot be written: No space left on device; nothing was changed");
            Assert.Empty(Directory.GetFileSystemEntries(small));
        }
        finally
        {
            MountFactAttribute.Run("umount", small);
        }
    }

    [MountFact]
    public void A_training_that_a_full_disk_does_not_let_begin_leaves_nothing()
    {
        string images = _folder.WriteImages("images", 8, 2), small = _folder.CreateFolder("small");
        string recipe = _folder.WriteText("recipe.json", """
            { "config": { "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16,
              "depth": 1, "stateSize": 4, "deltaRank": 1, "classes": 2 }, "epochs": 1, "batchSize": 4 }
            """);
        foreach (string size in (string[])["8k", "20k"]) // no room for the checkpoint, or for the log
        {
            MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", small);
            try
            {
                string run = Path.Combine(small, "deep", "run");
                CliOutcome outcome = CliRunner.Run("train", "--recipe", recipe, "--data", images, "-o", run)
                    .AssertRefused(run, "cannot be written", "No space left");
                Assert.DoesNotContain(".tmp", outcome.Error);
                Assert.Empty(Directory.GetFileSystemEntries(small));
            }
            finally
            {
                MountFactAttribute.Run("umount", small);
            }
        }
    }

    private static string LastLine(string text) => text[(text.TrimEnd().LastIndexOf('\n') + 1)..];
}
