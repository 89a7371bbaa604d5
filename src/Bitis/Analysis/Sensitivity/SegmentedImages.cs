using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bitis.Analysis.Results;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Data.LabelMaps;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;
using Bitis.Execution.Sessions.Maps;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Dispatch;
using Bitis.Models.Segmentation;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The maps of a float model that segments, and what quantized sites make of them.</summary>
/// <remarks>Images of one size follow each other, so each size is planned once a measurement.</remarks>
internal sealed class SegmentedImages : MeasuredAnswers
{
    private readonly VisionModel _model;
    private readonly QuantizedModel _quantized;
    private readonly IDenseConfig _dense;
    private readonly int _threads;
    private readonly ParallelOptions _parallel;
    private readonly List<Answered> _images = [];
    private (Shape Size, VectorizedEvaluator Inner, SiteEvaluator Evaluator, GraphExecutor Executor)? _planned;

    /// <summary>Computes the float model's answers.</summary>
    /// <param name="model">The float model, with norms folded.</param>
    /// <param name="quantized">What a recipe made of it.</param>
    /// <param name="images">The images, which are kept in memory.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public SegmentedImages(
        VisionModel model, QuantizedModel quantized, ImageSource images, int threads,
        CancellationToken cancellationToken)
    {
        (_model, _quantized, _dense, _threads) = (model, quantized, (IDenseConfig)model.Config, threads);
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = ThreadCount.Resolve(threads) };
        var read = new List<(FloatTensor Input, (int, int) Size, LabelMap? Labels, string Name)>();
        for (int i = 0; i < images.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (PixelImage image, LabelMap? labels) =
                images.HasPixelLabels ? images.ReadWithPixelLabels(i) : (images.Read(i), null);
            labels = _dense.ReducesZeroLabel ? labels?.WithoutZeroLabel() : labels;
            string name = labels is null ? images.Name(i) : images.PixelLabelsName(i);
            read.Add((WholeImage.Prepare(image, model.Preprocessing), (image.Height, image.Width), labels, name));
        }
        foreach ((FloatTensor input, (int, int) size, LabelMap? labels, string name) in
            read.OrderBy(image => image.Input.Shape[2]).ThenBy(image => image.Input.Shape[3]))
        {
            FloatTensor logits = Run(input, (_, _) => false, cancellationToken);
            Logits.RequireFinite(logits, _ => name);
            _images.Add(new Answered(input, size, labels, name, logits, Classify(logits, input, size)));
        }
    }

    /// <inheritdoc />
    public override (int Images, int Labeled) Counts =>
        (_images.Count, _images.Count(image => image.Labels is not null));

    /// <inheritdoc />
    public override AnswerEffect Measure(
        Func<string, SiteKind, bool> isQuantized, CancellationToken cancellationToken)
    {
        var noise = new Decibels();
        var scores = new SegmentationScores(_model.Config.Classes);
        (long same, long pixels) = (0, 0);
        foreach (Answered image in _images)
        {
            FloatTensor logits = Run(image.Input, isQuantized, cancellationToken);
            noise.Add(logits, image.Logits);
            SegmentationMap map = Classify(logits, image.Input, image.Size);
            for (int i = 0; i < map.Classes.Length; i++)
                same += map.Classes[i] == image.Map.Classes[i] ? 1 : 0;
            pixels += map.Classes.Length;
            if (image.Labels is { } labels)
                scores.Add(map, labels, image.Name);
        }
        return new AnswerEffect(noise.Ratio, (double)same / pixels, Top1: null, scores.MeanIou);
    }

    /// <inheritdoc />
    public override void AppendTo(IncrementalHash hash)
    {
        foreach (Answered image in _images)
        {
            hash.AppendData(MemoryMarshal.AsBytes(image.Input.Span));
            if (image.Labels is { } labels)
                hash.AppendData(MemoryMarshal.AsBytes<ushort>(labels.Labels));
        }
    }

    /// <inheritdoc />
    public override void Dispose() => _planned?.Inner.Dispose();

    private FloatTensor Run(
        FloatTensor input, Func<string, SiteKind, bool> isQuantized, CancellationToken cancellationToken)
    {
        if (_planned?.Size != input.Shape)
        {
            _planned?.Inner.Dispose();
            _planned = null;
            Graph graph = NormFolding.OfAnswer(_dense.BuildGraph(input.Shape[2], input.Shape[3])).Graph;
            (IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans) =
                GridScales.Fit(_quantized, graph);
            var inner = new VectorizedEvaluator(_threads);
            var evaluator = new SiteEvaluator(inner, layers, scans, _threads);
            _planned = (input.Shape, inner, evaluator, new GraphExecutor(graph, _model.Weights, evaluator));
        }
        _planned.Value.Evaluator.IsQuantized = isQuantized;
        return _planned.Value.Executor.Run(input, cancellationToken);
    }

    private SegmentationMap Classify(FloatTensor logits, FloatTensor input, (int Height, int Width) size)
    {
        (int Height, int Width) inputSize = (input.Shape[2], input.Shape[3]);
        (int height, int width) = _dense.MapSize(inputSize.Height, inputSize.Width);
        return MapResizer.Classify(
            new LogitsMap(logits.Reshape([height * width, _model.Config.Classes]), height, width), inputSize, size,
            _parallel);
    }

    private sealed record Answered(
        FloatTensor Input, (int Height, int Width) Size, LabelMap? Labels, string Name, FloatTensor Logits,
        SegmentationMap Map);
}
