using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Bitis.Benchmarks.Peer;

/// <summary>
/// ONNX Runtime in a process of its own (benchmarks/onnxruntime/peer.js). The process is stopped while others are
/// measured: its threads go on spinning for a while after a run.
/// </summary>
internal sealed partial class OnnxRuntime : IDisposable
{
    private const int Continue = 18, Stop = 19; // Linux

    private readonly Process _process;

    /// <summary>Loads a model.</summary>
    /// <param name="folder">Where peer.js and its packages are.</param>
    /// <param name="model">The file.</param>
    /// <param name="threads">How many threads compute.</param>
    /// <param name="type">The input's type: <c>float32</c> or <c>uint8</c>.</param>
    /// <param name="shape">The input's shape.</param>
    public OnnxRuntime(string folder, string model, int threads, string type, params int[] shape)
    {
        _process = Process.Start(new ProcessStartInfo("node", ["peer.js"])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        string path = JsonSerializer.Serialize(Path.GetFullPath(model)), sizes = string.Join(", ", shape);
        Ask($$"""{"load": {{path}}, "threads": {{threads}}, "type": "{{type}}", "shape": [{{sizes}}]}""");
    }

    /// <summary>Seconds for a run, the mean of some.</summary>
    public double Run(int count) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $$"""{"run": {{count}}}""")).GetProperty("seconds")
            .GetDouble() / count;

    /// <summary>Measures something else while this process stands still.</summary>
    public double WhileStopped(Func<double> measure)
    {
        _ = Signal(_process.Id, Stop);
        double result = measure();
        _ = Signal(_process.Id, Continue);
        Run(1);
        return result;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private JsonElement Ask(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        JsonElement answer = JsonElement.Parse(
            _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer ended."));
        return answer.TryGetProperty("error", out JsonElement error)
            ? throw new InvalidOperationException($"The peer: {error}")
            : answer;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
