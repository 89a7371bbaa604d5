using System.Runtime.InteropServices;

namespace Bitis.Tests.Cli;

/// <summary>What computes: <c>--device</c> and <c>--precision</c>, on a machine without a GPU.</summary>
public sealed class DeviceTests
{
    private const string NoDriver = "This machine has no CUDA driver (libcuda or nvcuda), so there is no GPU to use.";

    private static readonly string[] Bench = ["bench", "vim-micro-builtin", "--images", "1", "--warmup", "0"];

    private static bool HasDriver =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _);

    [Theory]
    [InlineData("--device x", "--device takes 'cpu', 'gpu' or 'auto', not 'x'.")]
    [InlineData(
        "--device gpu --precision int8", "--precision takes 'float32', 'float16' or 'float16-states', not 'int8'.")]
    [InlineData("--precision float16", "--precision is for GPUs; add --device gpu, or leave it out.")]
    [InlineData("--device cpu --precision float32", "--precision is for GPUs; add --device gpu, or leave it out.")]
    public void Options_that_mean_nothing_are_refused(string options, string message)
    {
        CliOutcome outcome = CliRunner.Run([.. Bench, .. options.Split(' ')]);
        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith(message, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bench")]
    [InlineData("classify")]
    [InlineData("eval")]
    public void Without_a_driver_a_GPU_is_refused_in_one_sentence(string command)
    {
        if (HasDriver)
            return;
        string[] rest = command switch
        {
            "bench" => [],
            "classify" => [Path.Combine(ReadmeTests.Root, "docs")],
            _ => ["--data", "builtin/test"],
        };
        CliOutcome outcome = CliRunner.Run([command, "vim-micro-builtin", .. rest, "--device", "gpu"]);
        Assert.Equal((2, "", NoDriver), (outcome.ExitCode, outcome.Output, outcome.Error.Trim()));
    }

    [Theory]
    [InlineData("vim-micro-builtin", "bench", "--images", "1", "--warmup", "0")]
    [InlineData("vim-micro-builtin", "eval", "--data", "builtin/test", "--images", "2")]
    [InlineData("vmamba-seg-builtin", "eval", "--data", "builtin-masks/test", "--images", "1")]
    public void Json_says_what_computed(string model, string command, params string[] rest) => Assert.Equal(
        "CPU", CliRunner.RunJson([command, model, .. rest, "--threads", "1"]).GetProperty("device").GetString());

    [Fact]
    public void Auto_computes_on_the_CPU_and_says_why()
    {
        if (HasDriver)
            return;
        CliOutcome outcome = CliRunner.Run([.. Bench, "--device", "auto", "--threads", "1"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("1 thread, batch 1", outcome.Output);
        Assert.Equal($"Warning: --device auto chose the CPU. {NoDriver}", outcome.Error.Trim());
    }

    [Fact]
    public void The_version_says_why_there_is_no_GPU()
    {
        if (!HasDriver)
            Assert.Contains(NoDriver, CliRunner.Run("version").Output);
    }
}
