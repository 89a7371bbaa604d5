using System.Diagnostics;

namespace Bitis.Gpu.Tests.Driver;

/// <summary>A driver without a GPU (<c>fake_cuda.c</c>), for programs in processes of their own.</summary>
internal sealed class FakeDriver : IDisposable
{
    private const string Compiler = "/usr/bin/cc";

    private readonly string _folder = Directory.CreateTempSubdirectory("bitis-fake-cuda-").FullName;

    /// <summary>Compiles the driver.</summary>
    public FakeDriver()
    {
        (int exitCode, _, string error) = Run(
            Compiler, [], "-shared", "-fPIC", "-o", Path.Combine(_folder, "libcuda.so.1"),
            Path.Combine(AppContext.BaseDirectory, "Driver", "fake_cuda.c"), "-lpthread");
        Assert.Equal((0, ""), (exitCode, error));
    }

    /// <summary>Why the driver cannot be had here; null if it can.</summary>
    public static string? WhyNot =>
        OperatingSystem.IsLinux() && File.Exists(Compiler) ? null : "It needs Linux and a C compiler.";

    /// <summary>A folder that is deleted in the end.</summary>
    public string Folder => _folder;

    /// <summary>The folder of assembled kernels.</summary>
    public string Cache => Path.Combine(_folder, "cache", "bitis", "gpu");

    /// <summary>The calls of the last program, and what it left.</summary>
    public IReadOnlyList<string> Calls { get; private set; } = [];

    /// <summary>Runs a program beside the tests with the driver.</summary>
    /// <param name="assembly">The program.</param>
    /// <param name="settings">Variables of the driver: <c>FAIL=cuInit:100:1</c>.</param>
    /// <param name="arguments">The command line.</param>
    public (int ExitCode, string Output, string Error) Run(
        string assembly, string settings, params string[] arguments)
    {
        string log = Path.Combine(_folder, "calls");
        File.Delete(log);
        IEnumerable<(string Name, string Value)> variables = settings.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(setting => setting.Split('='))
            .Select(parts => ($"FAKE_CUDA_{parts[0]}", parts[1]));
        (int, string, string) outcome = Run(
            "dotnet",
            [
                .. variables,
                ("LD_LIBRARY_PATH", _folder),
                ("XDG_CACHE_HOME", Path.Combine(_folder, "cache")),
                ("FAKE_CUDA_LOG", log),
            ],
            [Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]);
        Calls = File.Exists(log) ? File.ReadAllLines(log) : [];
        return outcome;
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int ExitCode, string Output, string Error) Run(
        string program, IReadOnlyList<(string Name, string Value)> variables, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill();
            Assert.Fail($"{program} did not end within a minute");
        }
        return (process.ExitCode, output.Result, error.Result.Trim());
    }
}
