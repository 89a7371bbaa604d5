using System.Security.Cryptography;
using System.Text.Json;

namespace Bitis.Gpu.Tests.Driver;

/// <summary>The command line with a driver whose kernels do nothing: calls, what is freed, and messages.</summary>
[Trait("Speed", "Slow")]
public sealed class FakeDriverTests : IDisposable
{
    private const string Cli = "Bitis.Cli.dll";

    private static readonly string[] Bench = ["bench", "vim-micro-builtin", "--images", "2", "--warmup", "0"];

    /// <summary>A pixel.</summary>
    private static readonly byte[] Bitmap =
    [
        .. "BM"u8, 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0,
        .. new byte[24], 1, 2, 3, 0,
    ];

    private readonly FakeDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [FakeDriverFact]
    public void Devices_are_listed()
    {
        (int exitCode, string output, string error) = _driver.Run(Cli, "DEVICES=2", "version", "--json");
        Assert.Equal((0, ""), (exitCode, error));
        JsonElement[] gpus = [.. JsonDocument.Parse(output).RootElement.GetProperty("gpus").EnumerateArray()];
        Assert.Equal(
            ["Fake GPU 0", "Fake GPU 1"], gpus.Select(gpu => gpu.GetProperty("name").GetString()));
        Assert.Equal("9.0", gpus[0].GetProperty("computeCapability").GetString());
        Assert.Equal("12.4", gpus[0].GetProperty("driverVersion").GetString());
        Assert.Equal(80_000_000_000, gpus[0].GetProperty("memoryBytes").GetInt64());
        Assert.Contains(
            "Fake GPU 0, 80.00 GB, compute capability 9.0, driver of CUDA 12.4",
            _driver.Run(Cli, "", "version").Output);
    }

    [FakeDriverFact]
    public void A_GPU_that_is_too_old_is_listed_with_the_reason()
    {
        const string Settings = "DEVICES=2 MAJOR=7 LATER_MAJOR=8";
        const string Reason = "too old: Bitis needs 8.0 (Ampere) or later";
        string text = _driver.Run(Cli, Settings, "version").Output;
        Assert.Contains($"Fake GPU 0, 80.00 GB, compute capability 7.0 ({Reason}), driver of CUDA 12.4", text);
        Assert.Contains("Fake GPU 1, 80.00 GB, compute capability 8.0, driver of CUDA 12.4", text);
        JsonElement[] gpus =
        [
            .. JsonDocument.Parse(_driver.Run(Cli, Settings, "version", "--json").Output).RootElement
                .GetProperty("gpus").EnumerateArray(),
        ];
        Assert.Equal([Reason, null], gpus.Select(gpu => gpu.GetProperty("whyNot").GetString()));
    }

    [FakeDriverFact]
    public void Benchmarks_take_the_first_GPU_that_is_not_too_old()
    {
        const string Program = "gpu-benchmarks.dll";
        (int exitCode, string output, string error) =
            _driver.Run(Program, "DEVICES=2 MAJOR=7 LATER_MAJOR=8", "device");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("| GPU | Fake GPU 1, compute capability 8.0 |", output);
        Assert.Equal(
            (2, "", "The GPU has compute capability 7.0, but Bitis needs 8.0 (Ampere) or later."),
            _driver.Run(Program, "MAJOR=7", "device"));
    }

    [FakeDriverFact]
    public void The_first_GPU_that_is_not_too_old_computes()
    {
        (int exitCode, string output, string error) =
            _driver.Run(Cli, "DEVICES=3 MAJOR=7 LATER_MAJOR=8", [.. Bench, "--device", "gpu"]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("Fake GPU 1, batch", output);
    }

    [FakeDriverTheory]
    [InlineData("--batch", "3")]
    [InlineData("--precision", "float16")]
    [InlineData("--profile")]
    public void All_is_freed(params string[] options)
    {
        (int exitCode, string output, string error) = _driver.Run(Cli, "", [.. Bench, "--device", "gpu", .. options]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("Fake GPU 0, batch", output);
        AssertNothingIsLeft();
        Assert.Contains("cuGraphLaunch", _driver.Calls);
    }

    [FakeDriverTheory]
    [InlineData("bench --images 1 --warmup 0")]
    [InlineData("classify IMAGE")]
    [InlineData("eval --data builtin/test --images 2")]
    public void Json_says_what_computed(string command)
    {
        string image = Path.Combine(_driver.Folder, "image.bmp");
        File.WriteAllBytes(image, Bitmap);
        string[] words = command.Replace("IMAGE", image, StringComparison.Ordinal).Split(' ');
        (int exitCode, string output, string error) = _driver.Run(
            Cli, "", [words[0], "vim-micro-builtin", .. words[1..], "--device", "gpu", "--json"]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal("Fake GPU 0", JsonDocument.Parse(output).RootElement.GetProperty("device").GetString());
        AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void A_session_that_nobody_disposes_is_freed()
    {
        Assert.Equal((0, "", ""), _driver.Run("Bitis.Gpu.Tests.dll", ""));
        // Two plans have a graph for the most images, and one has another.
        Assert.Equal(3, _driver.Calls.Count(call => call == "cuGraphExecDestroy"));
        AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void Kernels_are_assembled_once()
    {
        int Assemblies(string settings = "")
        {
            (int exitCode, _, string error) = _driver.Run(Cli, settings, [.. Bench, "--device", "gpu"]);
            Assert.Equal((0, ""), (exitCode, error));
            AssertNothingIsLeft();
            return _driver.Calls.Count(call => call == "cuLinkComplete");
        }

        int first = Assemblies();
        string[] files = Directory.GetFiles(_driver.Cache);
        Assert.InRange(first, 8, 40);
        Assert.Equal(first, files.Length);
        Assert.Equal(0, Assemblies());

        // Other drivers and devices have kernels of their own.
        Assert.Equal(first, Assemblies("VERSION=12060"));
        Assert.Equal(first, Assemblies("MAJOR=8"));
        Assert.Equal(3 * first, Directory.GetFiles(_driver.Cache).Length);

        // What is cut, changed or empty is assembled again, and whole afterwards.
        using (FileStream stream = File.OpenWrite(files[0]))
            stream.SetLength(stream.Length - 1);
        byte[] changed = File.ReadAllBytes(files[1]);
        changed[^1] ^= 1;
        File.WriteAllBytes(files[1], changed);
        File.WriteAllBytes(files[2], []);
        Assert.Equal(3, Assemblies());
        Assert.Equal(0, Assemblies());

        // So is what the driver refuses.
        byte[] other = "OTHER KERNEL"u8.ToArray();
        File.WriteAllBytes(files[3], [.. SHA256.HashData(other), .. other]);
        Assert.Equal(1, Assemblies());
        Assert.Equal(0, Assemblies());
    }

    [FakeDriverFact]
    public void A_cache_that_cannot_be_written_costs_only_time()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_driver.Cache)!);
        File.WriteAllText(_driver.Cache, "a file in place of the folder");
        (int exitCode, _, string error) = _driver.Run(Cli, "", [.. Bench, "--device", "gpu"]);
        Assert.Equal((0, ""), (exitCode, error));
    }

    [FakeDriverTheory]
    [InlineData("FAIL=cuInit:100:1", "The CUDA driver finds no GPU on this machine.")]
    [InlineData("DEVICES=0", "The CUDA driver finds no GPU on this machine.")]
    [InlineData("VERSION=11080", "The CUDA driver has version 11.8, but Bitis needs 12.0 or later.")]
    [InlineData(
        "MAJOR=7", "The GPU has compute capability 7.0, but Bitis needs 8.0 (Ampere) or later.")]
    [InlineData(
        "FAIL=cuDevicePrimaryCtxRetain:46:1",
        "The GPU cannot be opened: another process has it for itself (CUDA_ERROR_FAKE 46, fake).")]
    [InlineData(
        "FAIL=cuMemAlloc_v2:2:9",
        "The GPU has too little free memory to hold * more bytes. End other programs on it, or use the CPU.")]
    [InlineData(
        "FAIL=cuLinkAddData_v2:218:2",
        "The GPU cannot assemble '*': CUDA_ERROR_INVALID_PTX 218, fake. ptxas fatal : line 7; parsing error")]
    [InlineData(
        "FAIL=cuLaunchKernel:701:3", "The GPU cannot launch '*': CUDA_ERROR_FAKE 701, fake.")]
    [InlineData(
        "FAIL=cuGraphLaunch:700:1",
        "The GPU stopped while it should run a model: CUDA_ERROR_FAKE 700, fake. This process cannot use it any more.")]
    [InlineData(
        "FAIL=cuMemcpyHtoDAsync_v2:719:4",
        "The GPU stopped while it should take a copy: CUDA_ERROR_LAUNCH_FAILED 719, fake. This process cannot use it "
        + "any more.")]
    [InlineData(
        "FAIL=cuStreamEndCapture:901:1", "The GPU cannot record a model: CUDA_ERROR_FAKE 901, fake.")]
    [InlineData(
        "FAIL=cuMemcpyDtoHAsync_v2:719:1",
        "The GPU stopped while it should compute and give results: CUDA_ERROR_LAUNCH_FAILED 719, fake. This process "
        + "cannot use it any more.")]
    public void What_fails_is_one_message(string settings, string message)
    {
        (int exitCode, string output, string error) = _driver.Run(Cli, settings, [.. Bench, "--device", "gpu"]);
        Assert.Equal((2, ""), (exitCode, output));
        string pattern = System.Text.RegularExpressions.Regex.Escape(message).Replace("\\*", "[^:]*");
        Assert.Matches($"^{pattern}$", error);
        AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void Auto_leaves_the_work_to_the_CPU_and_says_why()
    {
        (int exitCode, string output, string error) =
            _driver.Run(Cli, "DEVICES=0", [.. Bench, "--device", "auto", "--threads", "1"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("1 thread, batch 1", output);
        Assert.Equal("Warning: --device auto chose the CPU. The CUDA driver finds no GPU on this machine.", error);
        _driver.Run(Cli, "", [.. Bench, "--device", "auto"]);
        Assert.Contains("cuGraphLaunch", _driver.Calls);
    }

    /// <summary>The last memory that a session asks for is of its second plan, that of a single image.</summary>
    [FakeDriverFact]
    public void Auto_leaves_the_work_to_the_CPU_if_memory_ends_in_the_last_plan()
    {
        string[] arguments = [.. Bench, "--device", "auto", "--threads", "1"];
        Assert.Equal(0, _driver.Run(Cli, "", arguments).ExitCode);
        int allocations = _driver.Calls.Count(call => call == "cuMemAlloc_v2");
        (int exitCode, _, string error) = _driver.Run(Cli, $"FAIL=cuMemAlloc_v2:2:{allocations}", arguments);
        Assert.Equal(0, exitCode);
        Assert.StartsWith(
            "Warning: --device auto chose the CPU. The GPU has too little free memory", error,
            StringComparison.Ordinal);
        Assert.DoesNotContain("cuGraphLaunch", _driver.Calls);
        AssertNothingIsLeft();
    }

    private void AssertNothingIsLeft()
    {
        Assert.Contains("bad calls: 0", _driver.Calls);
        Assert.DoesNotContain(_driver.Calls, call => call.StartsWith("live ", StringComparison.Ordinal)
            && !call.EndsWith(": 0", StringComparison.Ordinal));
    }
}
