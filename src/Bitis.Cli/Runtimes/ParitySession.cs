using Bitis.Cli.Input;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Cli.Runtimes;

/// <summary>A model in Bitis, whose answers are compared with those of its exported file.</summary>
internal sealed class ParitySession : IDisposable
{
    private readonly InferenceSession? _session;
    private readonly SegmentationSession? _segmenter;
    private readonly VectorizedEvaluator? _evaluator;

    /// <summary>Opens sessions of a model.</summary>
    public ParitySession(LoadedModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        (Config, Preprocessing) = (model.Config, model.Preprocessing);
        if (model.Config is IDenseConfig)
        {
            _segmenter = model.CreateSegmentation(options, cancellationToken);
            return;
        }
        _session = model.CreateSession(options, cancellationToken);
        if (model.Quantized is not { } quantized || model.Config is PoseConfig)
            return;
        // With the exact decay, as in the file. Sessions of quantized models have one of the accuracy of 8 bits.
        _evaluator = new VectorizedEvaluator(_session.Threads);
        Simulation = new GraphExecutor(
            quantized.Graph, quantized.DequantizeWeights(),
            new SimulatedEvaluator(_evaluator, quantized.Layers, quantized.Scans)).Run;
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become its input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>How many threads compute.</summary>
    public int Threads => _session?.Threads ?? _segmenter!.Threads;

    /// <summary>The simulation of a quantized classifier; null for other models.</summary>
    public Func<FloatTensor, CancellationToken, FloatTensor>? Simulation { get; }

    /// <summary>The logits of an image, or those of each of its pixels.</summary>
    public FloatTensor Run(FloatTensor pixels, CancellationToken cancellationToken) =>
        _session?.Run(pixels, cancellationToken) ?? _segmenter!.Run(pixels, cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        _session?.Dispose();
        _segmenter?.Dispose();
        _evaluator?.Dispose();
    }
}
