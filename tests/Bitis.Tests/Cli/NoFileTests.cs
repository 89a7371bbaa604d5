using System.Diagnostics;

namespace Bitis.Tests.Cli;

/// <summary>Folders, pipes and devices where files are read: refused with a message, and never waited for.</summary>
public sealed class NoFileTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;
    private readonly string _output;

    public NoFileTests()
    {
        _images = _folder.WriteImages("images", 4, 2);
        _output = _folder["out.bitis"];
    }

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    public async Task Pipes_are_refused_wherever_a_file_is_read()
    {
        string pipe = MakePipe("pipe"), cifar = MakePipe("data_batch_1.bin");
        string set = _folder.CreateFolder("set"), labels = _folder.CreateFolder("labels");
        string image = MakePipe("set/a.png"), csv = MakePipe("labels/labels.csv");
        await Refused("pipe", pipe, "inspect", pipe);
        await Refused("pipe", pipe, "bench", pipe);
        await Refused("pipe", pipe, "quantize", pipe, "--calibration", _images, "-o", _output);
        await Refused("pipe", pipe, "quantize", Checkpoint, "--recipe", pipe, "--calibration", _images, "-o", _output);
        await Refused("pipe", pipe, "quantize", Checkpoint, "--calibration", pipe, "-o", _output);
        await Refused("pipe", pipe, "train", "--recipe", pipe, "--data", _images, "-o", _folder["run"]);
        await Refused("pipe", pipe, "classify", Checkpoint, _images, "--classes", pipe);
        await Refused("pipe", pipe, "classify", Checkpoint, pipe);
        await Refused("pipe", cifar, "eval", Checkpoint, "--data", cifar);
        await Refused("pipe", pipe, "eval", Checkpoint, "--data", $"{pipe}/train");
        await Refused("pipe", image, "classify", Checkpoint, set);
        await Refused("pipe", csv, "eval", Checkpoint, "--data", labels);
        Assert.False(File.Exists(_output));
    }

    [LinuxFact]
    public async Task A_pipe_that_nobody_reads_from_is_no_output()
    {
        string pipe = MakePipe("pipe");
        await Refused("nobody reads from", pipe, "quantize", "missing", "--calibration", "missing", "-o", pipe);
    }

    [LinuxFact]
    public async Task Devices_are_refused_as_inputs()
    {
        foreach (string device in (string[])["/dev/zero", "/dev/null"])
        {
            await Refused("device", device, "inspect", device);
            await Refused(
                "device", device, "quantize", Checkpoint, "--recipe", device, "--calibration", _images, "-o", _output);
            await Refused("device", device, "classify", Checkpoint, device);
        }
    }

    [Fact]
    public async Task Folders_are_refused_where_files_are_read()
    {
        await Refused("this is a folder", _images, "inspect", _images);
        const string folder = "this is a folder";
        await Refused(
            folder, _images, "quantize", Checkpoint, "--recipe", _images, "--calibration", _images, "-o", _output);
        await Refused(folder, _images, "train", "--recipe", _images, "--data", _images, "-o", _folder["run"]);
        await Refused("this is a folder", _images, "classify", Checkpoint, _images, "--classes", _images);
    }

    private static async Task Refused(string words, string path, params string[] arguments)
    {
        CliOutcome outcome = await Task.Run(() => CliRunner.Run(arguments)).WaitAsync(TimeSpan.FromMinutes(1));
        outcome.AssertRefused(path, words);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
    }

    private string MakePipe(string name)
    {
        string path = _folder[name];
        using Process make = Process.Start("mkfifo", [path]);
        make.WaitForExit();
        return path;
    }
}
