using System.Diagnostics;

namespace Bitis.Tests.Cli;

/// <summary>
/// A process that ends without a chance to tidy up: the next one goes on, and tidies up. <c>tests/kills.sh</c> does it
/// at random moments.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class KillTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_killed_training_goes_on_to_the_same_model()
    {
        string recipe = _folder.WriteText(
            "recipe.json",
            """
            {
              "config": {
                "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16, "depth": 1,
                "stateSize": 4, "deltaRank": 1, "classes": 2
              },
              "epochs": 50, "batchSize": 4
            }
            """);
        string images = _folder.WriteImages("images", 8, 2), whole = _folder["whole"], killed = _folder["killed"];
        string[] command = ["train", "--recipe", recipe, "--data", images, "--validation", images, "-o"];
        CliRunner.Run([.. command, whole]).AssertSucceeded();
        Kill([.. command, killed], Path.Combine(killed, "best.safetensors"));
        // As a process leaves it that is killed while it writes.
        File.WriteAllText(Path.Combine(killed, $".bitis-{Guid.NewGuid():N}.tmp"), "half of");
        CliRunner.Run([.. command, killed, "--resume"]).AssertSucceeded();
        foreach (string file in (string[])["best.safetensors", "final.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(killed, file)));
        Assert.Equal(Names(whole), Names(killed));
    }

    [Fact]
    public void A_killed_quantization_goes_on_to_the_same_model()
    {
        string whole = _folder["whole.bitis"], results = _folder.CreateFolder("results"),
            killed = Path.Combine(results, "killed.bitis");
        string[] command =
        [
            "quantize",
            Checkpoint,
            "--calibration",
            "builtin/train",
            "--images",
            "4",
            "--method",
            "ptq4vm+",
            "--bits",
            "w4a4",
            "--steps",
            "20",
            "-o",
        ];
        CliRunner.Run([.. command, whole]).AssertSucceeded();
        Kill([.. command, killed], Path.Combine($"{killed}.work", "block-000.safetensors"));
        File.WriteAllText(Path.Combine(results, $".bitis-{Guid.NewGuid():N}.tmp"), "half of");
        CliRunner.Run([.. command, killed]).AssertSucceeded();
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(killed));
        Assert.Equal([killed], Directory.GetFileSystemEntries(results));
    }

    /// <summary>Starts a command and kills it once a file is there.</summary>
    private static void Kill(string[] command, string file)
    {
        using Process process = CliRunner.Start(command);
        while (!process.HasExited && !File.Exists(file))
            Thread.Sleep(5);
        process.Kill();
        CliOutcome outcome = CliRunner.Finish(process);
        Assert.True(File.Exists(file), outcome.Error);
    }

    private static IEnumerable<string?> Names(string folder) =>
        Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order();
}
