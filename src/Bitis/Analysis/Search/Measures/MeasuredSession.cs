using Bitis.Execution.Planning;
using Bitis.Models.Segmentation;

namespace Bitis.Analysis.Search.Measures;

/// <summary>A session whose time is measured: of a classifier, or of a model that segments.</summary>
internal sealed class MeasuredSession : IDisposable
{
    private readonly InferenceSession? _classifier;
    private readonly SegmentationSession? _segmenter;

    /// <summary>Opens a session of a quantized model.</summary>
    public MeasuredSession(QuantizedModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        if (model.Config is IDenseConfig)
            _segmenter = SegmentationSession.Create(model, options, cancellationToken);
        else
            _classifier = InferenceSession.Create(model, options, cancellationToken);
    }

    /// <summary>Opens a session of a float model.</summary>
    public MeasuredSession(VisionModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        if (model.Config is IDenseConfig)
            _segmenter = SegmentationSession.Create(model, options, cancellationToken);
        else
            _classifier = InferenceSession.Create(model, options, cancellationToken);
    }

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
