using Google.Protobuf;
using Onnx;
using Ort = Microsoft.ML.OnnxRuntime;

namespace Bitis.Benchmarks.Peer;

/// <summary>A model in ONNX Runtime, with inputs of random numbers.</summary>
internal sealed class OnnxRuntime : IDisposable
{
    private readonly Ort.InferenceSession _session;
    private readonly Ort.RunOptions _options = new();
    private readonly Ort.OrtValue[] _inputs;

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model; its inputs are <c>float32</c> or <c>uint8</c>.</param>
    /// <param name="threads">How many threads compute.</param>
    public OnnxRuntime(ModelProto model, int threads)
    {
        using var options = new Ort.SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            ExecutionMode = Ort.ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = Ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        _session = new Ort.InferenceSession(model.ToByteArray(), options);
        _inputs = [.. _session.InputNames.Select(name => RandomInput(_session.InputMetadata[name]))];
    }

    /// <summary>Computes the outputs once.</summary>
    public void Run() => _session.Run(_options, _session.InputNames, _inputs, _session.OutputNames).Dispose();

    public void Dispose()
    {
        foreach (Ort.OrtValue input in _inputs)
            input.Dispose();
        _options.Dispose();
        _session.Dispose();
    }

    private static Ort.OrtValue RandomInput(Ort.NodeMetadata input)
    {
        long[] shape = [.. input.Dimensions.Select(size => Math.Max(size, 1L))];
        long count = shape.Aggregate(1L, (a, b) => a * b);
        var random = new Random(1);
        if (input.ElementDataType == Ort.Tensors.TensorElementType.UInt8)
        {
            byte[] levels = new byte[count];
            random.NextBytes(levels);
            return Ort.OrtValue.CreateTensorValueFromMemory(levels, shape);
        }
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = (random.NextSingle() * 2) - 1;
        return Ort.OrtValue.CreateTensorValueFromMemory(values, shape);
    }
}
