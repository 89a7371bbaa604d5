using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Evaluation;

/// <summary>A session whose time is measured: of a classifier, or of a model that segments.</summary>
internal sealed class MeasuredSession : IDisposable
{
    private readonly InferenceSession? _classifier;
    private readonly SegmentationSession? _segmenter;

    /// <summary>Opens a session of a float model.</summary>
    public MeasuredSession(VisionModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        if (model.Config is IDenseConfig)
            _segmenter = SegmentationSession.Create(model, options, cancellationToken);
        else
            _classifier = InferenceSession.Create(model, options, cancellationToken);
    }

    /// <summary>Opens a session of a quantized model.</summary>
    public MeasuredSession(QuantizedModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        if (model.Config is IDenseConfig)
            _segmenter = SegmentationSession.Create(model, options, cancellationToken);
        else
            _classifier = InferenceSession.Create(model, options, cancellationToken);
    }

    /// <summary>What computes.</summary>
    public string Device => _classifier?.Device ?? CpuEngine.DeviceName;

    /// <summary>What the floats of a float model are.</summary>
    public string Floats => _classifier?.Floats ?? "float32";

    /// <summary>How many threads compute.</summary>
    public int Threads => _classifier?.Threads ?? _segmenter!.Threads;

    /// <summary>The bytes that the weights take in memory.</summary>
    public long WeightBytes => _classifier?.WeightBytes ?? _segmenter!.CountWeightBytes();

    /// <summary>The logits of a batch; of a model that segments, at the places of its map.</summary>
    public FloatTensor Run(FloatTensor images, CancellationToken cancellationToken) =>
        _classifier?.Run(images, cancellationToken) ?? _segmenter!.RunHead(images, cancellationToken);

    /// <summary>The time of each operation for one image.</summary>
    public IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken) =>
        _classifier?.Profile(image, cancellationToken) ?? _segmenter!.Profile(image, cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        _classifier?.Dispose();
        _segmenter?.Dispose();
    }
}
