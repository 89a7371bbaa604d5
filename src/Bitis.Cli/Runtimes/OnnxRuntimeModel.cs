using Bitis.Tensors;
using Microsoft.ML.OnnxRuntime;
using OrtOptions = Microsoft.ML.OnnxRuntime.SessionOptions;
using OrtSession = Microsoft.ML.OnnxRuntime.InferenceSession;

namespace Bitis.Cli.Runtimes;

/// <summary>An exported file in ONNX Runtime.</summary>
internal sealed class OnnxRuntimeModel : IDisposable
{
    private readonly OrtSession _session;
    private readonly RunOptions _run = new();

    /// <summary>Loads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="threads">How many threads compute.</param>
    /// <exception cref="BitisException">ONNX Runtime refuses the file.</exception>
    public OnnxRuntimeModel(string path, int threads)
    {
        using var options = new OrtOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        // Else its idle threads keep spinning while Bitis computes, and take the cores.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        try
        {
            _session = new OrtSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            _run.Dispose();
            throw new BitisException($"ONNX Runtime refuses it: {e.Message.Trim()}", e);
        }
    }

    /// <summary>The name and version of the runtime.</summary>
    public string Version { get; } = $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <summary>The logits of an image of normalized pixels.</summary>
    public float[] Run(FloatTensor pixels)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance, pixels.Memory, [.. pixels.Shape.Select(size => (long)size)]);
        return Run(input);
    }

    /// <summary>The logits of an image of bytes.</summary>
    public float[] Run(byte[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        return Run(input);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _session.Dispose();
        _run.Dispose();
    }

    private float[] Run(OrtValue input)
    {
        using IDisposableReadOnlyCollection<OrtValue> outputs =
            _session.Run(_run, _session.InputNames, [input], _session.OutputNames);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
