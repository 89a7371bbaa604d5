using Bitis.Tensors;
using Bitis.Tests;
using Microsoft.ML.OnnxRuntime;
using OrtOptions = Microsoft.ML.OnnxRuntime.SessionOptions;
using OrtSession = Microsoft.ML.OnnxRuntime.InferenceSession;

namespace Bitis.Onnx.Tests;

/// <summary>An ONNX file in ONNX Runtime, on one thread.</summary>
internal sealed class OnnxSession : IDisposable
{
    private readonly OrtOptions _options = new()
    {
        IntraOpNumThreads = 1,
        InterOpNumThreads = 1,
        LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
    };

    private readonly RunOptions _run = new();

    /// <summary>Loads a file.</summary>
    public OnnxSession(string path) => Session = new OrtSession(path, _options);

    /// <summary>The session.</summary>
    public OrtSession Session { get; }

    /// <summary>Runs images.</summary>
    public FloatTensor Run(FloatTensor images)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(
            images.Span.ToArray(), [.. images.Shape.Select(size => (long)size)]);
        return Run(input);
    }

    /// <summary>Runs a value.</summary>
    public FloatTensor Run(OrtValue input)
    {
        using IDisposableReadOnlyCollection<OrtValue> outputs =
            Session.Run(_run, Session.InputNames, [input], Session.OutputNames);
        long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
        return FloatTensor.From([.. shape.Select(size => (int)size)], outputs[0].GetTensorDataAsSpan<float>());
    }

    /// <summary>Exports a model, runs it and removes the file.</summary>
    public static FloatTensor Run(VisionModel model, FloatTensor images, OnnxOptions? options = null)
    {
        using var folder = new TempFolder();
        OnnxModel.Export(model, folder["model.onnx"], options);
        using var session = new OnnxSession(folder["model.onnx"]);
        return session.Run(images);
    }

    public void Dispose()
    {
        Session.Dispose();
        _run.Dispose();
        _options.Dispose();
    }
}
