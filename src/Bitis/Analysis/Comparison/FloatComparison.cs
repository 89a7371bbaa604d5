using Bitis.Evaluation;
using Bitis.Kernels.Dispatch;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Analysis.Comparison;

/// <summary>Measures quantized models beside the float model that they were made from.</summary>
/// <remarks>The float model answers each image once; its answers are kept to compare with.</remarks>
internal sealed class FloatComparison
{
    private readonly VisionModel _model;
    private readonly ImageSource _images;
    private readonly int _batchSize, _threads;
    private readonly List<FloatTensor> _logits = [];
    private readonly List<SegmentationMap> _maps = [];

    /// <summary>Evaluates the float model.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="images">The images, with labels if accuracy is wanted. They must stay open.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The images do not fit the model.</exception>
    public FloatComparison(
        VisionModel model, ImageSource images, int batchSize, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        (_model, _images, _batchSize, _threads) = (model, images, batchSize, threads);
        var options = new SessionOptions { Threads = threads };
        if (model.Config is IDenseConfig)
        {
            using SegmentationSession session = SegmentationSession.Create(model, options, cancellationToken);
            Float = Segment(session, _maps.Add, progress, cancellationToken);
        }
        else
        {
            using InferenceSession session = InferenceSession.Create(model, options, cancellationToken);
            Float = model.Config is PoseConfig
                ? Poses(session, progress, cancellationToken)
                : Classify(Keep, [], progress, cancellationToken);

            FloatTensor Keep(FloatTensor batch, CancellationToken cancellation)
            {
                _logits.Add(session.Run(batch, cancellation));
                return _logits[^1];
            }
        }
    }

    /// <summary>The measures of the float model.</summary>
    public ModelMeasures Float { get; }

    /// <summary>Evaluates a quantized model on the same images.</summary>
    public ModelMeasures Measure(
        QuantizedModel quantized, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var options = new SessionOptions { Threads = _threads };
        if (_model.Config is IDenseConfig)
        {
            using SegmentationSession segmenter = SegmentationSession.Create(quantized, options, cancellationToken);
            (long same, long pixels) = (0, 0);
            int next = 0;
            ModelMeasures measures = Segment(segmenter, Compare, progress, cancellationToken);
            return measures with { SameTop1 = (double)same / pixels };

            void Compare(SegmentationMap map)
            {
                ReadOnlySpan<ushort> exact = _maps[next++].Classes, classes = map.Classes;
                for (int i = 0; i < classes.Length; i++)
                    same += classes[i] == exact[i] ? 1 : 0;
                pixels += classes.Length;
            }
        }
        using InferenceSession session = InferenceSession.Create(quantized, options, cancellationToken);
        if (_model.Config is PoseConfig)
            return Poses(session, progress, cancellationToken);
        int batch = 0;
        return Classify(session.Run, [(_, _) => _logits[batch++]], progress, cancellationToken);
    }

    /// <summary>Measures the latency of a quantized model for one image, in turn with the float model.</summary>
    /// <param name="quantized">The quantized model.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="runs">How many runs of each count; a fifth as many come before.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public (Latency Quantized, Latency Float) Time(
        QuantizedModel quantized, int threads, int runs, CancellationToken cancellationToken)
    {
        var options = new SessionOptions { Threads = threads };
        FloatTensor image = Latency.RandomImage(_model.Config);
        using MeasuredSession quantizedSession = new(quantized, options, cancellationToken),
            floatSession = new(_model, options, cancellationToken);
        IReadOnlyList<Latency> latencies = Latency.Measure(
            [quantizedSession.Run, floatSession.Run], image, runs / 5, runs, progress: null, cancellationToken);
        return (latencies[0], latencies[1]);
    }

    private ModelMeasures Classify(
        Func<FloatTensor, CancellationToken, FloatTensor> run,
        IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> references,
        IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var evaluator = new Evaluator(run, _model.Config.Classes, _model.ClassNames, references)
        {
            BatchSize = _batchSize,
            LoaderThreads = ThreadCount.Resolve(_threads),
        };
        EvaluationResult result = evaluator.Run(_images, _model.Preprocessing, progress, cancellationToken);
        double? same = references.Count == 0 ? null : result.Agreements[0].Top1;
        return new ModelMeasures(result.Images, result.Labeled, same) { Top1 = result.Top1, Top5 = result.Top5 };
    }

    private ModelMeasures Poses(
        InferenceSession session, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        if (!_images.HasPoses)
            throw new BitisException("The model gives poses, which are known for builtin/train and builtin/test only.");
        PoseErrors errors = new PoseEvaluation(session) { BatchSize = _batchSize }.Run(
            _images, progress, cancellationToken);
        return new ModelMeasures(errors.Images, errors.Images, SameTop1: null)
        {
            PositionError = errors.Position,
            SizeError = errors.Size,
            AngleError = errors.Angle,
        };
    }

    private ModelMeasures Segment(
        SegmentationSession session, Action<SegmentationMap> observe, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        SegmentationScores scores = new SegmentationEvaluation(session) { Observe = observe }.Run(
            _images, window: null, progress, cancellationToken);
        return new ModelMeasures(_images.Count, scores.Images, SameTop1: null)
        {
            MeanIou = scores.MeanIou,
            PixelAccuracy = scores.PixelAccuracy,
        };
    }
}
