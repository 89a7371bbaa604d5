using System.Runtime.InteropServices;
using Bitis.Gpu.Benchmarks;
using Bitis.Gpu.Benchmarks.Checks;
using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Benchmarks.Planning;
using Bitis.Gpu.Benchmarks.Roofline;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Benchmarks;

/// <summary>The program of benchmarks/gpu.sh on the interpreter.</summary>
public sealed class BenchmarkTests
{
    private static readonly string TrainedModel =
        Path.Combine(AppContext.BaseDirectory, "models", "vim-micro-builtin.safetensors");

    [Theory]
    [InlineData("device", "emulated sm_80")]
    [InlineData("sanitize", "w4a8 full")]
    [InlineData("products", "linear-tensor-cores")]
    public void Commands_run(string command, string expected)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(0, BenchmarkCommands.Run(["--emulated", command], output, error));
        Assert.Contains(expected, output.ToString());
        Assert.Equal("", error.ToString());
    }

    /// <remarks>Float16 in front of levels makes many of them their neighbours, so an answer may be another.</remarks>
    [Theory]
    [InlineData("3", "float32", 0, "| float32 | 100.00 % | 100.00 % | 1 of 1 |")]
    [InlineData("5", "w8a8 full, float16", 1, "| 0 of 1 |")]
    public void Answers_are_compared_with_those_of_the_CPU(string first, string precision, int exitCode, string row)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(exitCode, BenchmarkCommands.Run(
            ["--emulated", "accuracy", TrainedModel, "builtin/test", first, "1", precision], output, error));
        Assert.Contains($"vim-micro-builtin, built-in test {first}", output.ToString());
        Assert.Contains(row, output.ToString());
        Assert.Equal("", error.ToString());
    }

    [Theory]
    [InlineData("'2000' is not a number from 0 to 1999.", "2000")]
    [InlineData("'11' is not a number from 1 to 10.", "1990", "11")]
    [InlineData("There is no precision 'float8', only 'float32', 'float16', ", "0", "1", "float8")]
    public void Images_and_precisions_that_do_not_exist_are_refused(string message, params string[] selection)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(2, BenchmarkCommands.Run(
            ["--emulated", "accuracy", TrainedModel, "builtin/test", .. selection], output, error));
        Assert.StartsWith(message, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_commands_show_the_usage()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(2, BenchmarkCommands.Run(["nothing"], output, error));
        Assert.Contains("roofline VARIANT", error.ToString());
    }

    [Fact]
    public void Rooflines_need_no_GPU()
    {
        using var output = new StringWriter();
        RooflineTable.Write("small", ModelTimes.Small(), 2, output);
        string text = output.ToString();
        Assert.Contains("half2 states", text);
        Assert.Contains("times float16", text);
        Assert.DoesNotContain("unknown", text);
    }

    [Fact]
    public void Texts_are_those_that_plans_load()
    {
        var device = new TextDevice(PtxTarget.Sm90a, multiprocessors: 132);
        using GpuPlan plan = BenchmarkModel.AllOf(ModelTimes.Small()).First().Build(device, 2);
        Assert.Contains(device.Kernels, kernel => kernel.Name.StartsWith("scan", StringComparison.Ordinal));
        Assert.All(device.Kernels, kernel => Assert.Contains(".target sm_90a", kernel.Text));
        Assert.Equal(
            plan.Launches(2).Select(launch => launch.Function.Kernel).Distinct().Count(), device.Kernels.Count);
    }

    [Fact]
    public void Small_differences_of_exponentials_are_good()
    {
        var differences = new PairedDifferences();
        BenchmarkModel model = BenchmarkModel.AllOf(ModelTimes.Small()).First();
        EmulatedDevice real = new(PtxTarget.Sm80, seed: 3), interpreter = new(PtxTarget.Sm80);
        using GpuPlan plan = model.Build(new PairedDevice(real, interpreter, differences), 1);
        plan.Run(BenchmarkModel.Images(ModelTimes.Small(), 1).Span, new float[5]);
        Assert.True(differences.AreSmall);
        using var output = new StringWriter();
        differences.Write(output);
        Assert.Contains("scan", output.ToString());
    }

    [Theory]
    [InlineData(1f, 1f, true)]
    [InlineData(1f, 1.00001f, true)]
    [InlineData(1f, 1.01f, false)]
    [InlineData(1f, float.NaN, false)]
    public void Large_differences_are_bad(float here, float there, bool isGood)
    {
        var differences = new PairedDifferences();
        differences.Add(
            "kernel", new byte[8], MemoryMarshal.AsBytes([here, 0.5f]), MemoryMarshal.AsBytes([there, 0.5f]));
        Assert.Equal(isGood, differences.AreSmall);
    }

    [Fact]
    public void Sums_of_what_a_kernel_has_rounded_may_differ_more()
    {
        byte[] here = MemoryMarshal.AsBytes([1f, 0.5f]).ToArray(),
            there = MemoryMarshal.AsBytes([1.01f, 0.5f]).ToArray();
        var differences = new PairedDifferences();
        differences.Add("kernel", new byte[8], here, there, roundsInside: true);
        Assert.True(differences.AreSmall);
        MemoryMarshal.AsBytes([1.05f]).CopyTo(there);
        differences.Add("kernel", new byte[8], here, there, roundsInside: true);
        Assert.False(differences.AreSmall);
    }

    [Fact]
    public void A_level_may_differ_by_one()
    {
        var differences = new PairedDifferences();
        differences.Add("kernel", new byte[8], [7, 255, 9, 1, 0, 0, 0, 0], [8, 255, 9, 0, 0, 0, 0, 0]);
        Assert.True(differences.AreSmall);
        differences.Add(
            "kernel", new byte[8], [7, 255, 9, 160, 128, 128, 128, 128], [7, 255, 9, 162, 128, 128, 128, 128]);
        Assert.False(differences.AreSmall);
    }

    /// <summary>Float32 values with other bytes behind them, which are no floats.</summary>
    [Fact]
    public void What_a_kernel_left_as_it_was_does_not_count()
    {
        byte[] old = [.. Enumerable.Repeat((byte)0xFF, 64)], here = [.. old], there = [.. old];
        MemoryMarshal.AsBytes([1.0f, 0.5f]).CopyTo(here);
        MemoryMarshal.AsBytes([1.000001f, 0.5f]).CopyTo(there);
        var differences = new PairedDifferences();
        differences.Add("kernel", old, here, there);
        Assert.True(differences.AreSmall);
        old.CopyTo(there, 0);
        differences.Add("a kernel that writes nothing", old, here, there);
        Assert.False(differences.AreSmall);
    }

    [Theory]
    [InlineData("17 tokens")]
    [InlineData("vmamba-states")]
    [InlineData("localvim")]
    public void Small_models_are_those_of_the_interpreter_and_the_CPU(string name)
    {
        using StringWriter output = new(), error = new();
        Assert.True(
            BenchmarkCommands.Run(["--emulated", "check", name], output, error) == 0, output.ToString());
        Assert.Contains($"| {name} | w4a8 full |", output.ToString());
    }
}
