using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Bitis.Analysis.Results;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The logits of a float model that classifies, and what quantized sites make of them.</summary>
internal sealed class ClassifiedImages : MeasuredAnswers
{
    private readonly VectorizedEvaluator _inner;
    private readonly SiteEvaluator _evaluator;
    private readonly GraphExecutor _executor;
    private readonly ClassMap _classes;
    private readonly IReadOnlyList<ImageBatch> _batches;
    private readonly List<FloatTensor> _exact = [];

    /// <summary>Computes the float model's answers.</summary>
    /// <param name="model">The float model, with norms folded.</param>
    /// <param name="quantized">What a recipe made of it.</param>
    /// <param name="images">The images, which are kept in memory.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public ClassifiedImages(
        VisionModel model, QuantizedModel quantized, ImageSource images, int batchSize, int threads,
        CancellationToken cancellationToken)
    {
        _classes = ClassMap.Create(images, model.Config.Classes, model.ClassNames);
        _inner = new VectorizedEvaluator(threads);
        _evaluator = new SiteEvaluator(_inner, quantized.Layers, quantized.Scans, threads);
        _executor = new GraphExecutor(quantized.Graph, model.Weights, _evaluator);
        _batches = [.. ImageLoader.Load(images, model.Preprocessing, batchSize, 2, cancellationToken)];
        foreach (ImageBatch batch in _batches)
        {
            FloatTensor logits = _executor.Run(batch.Images, cancellationToken);
            Logits.RequireFinite(logits, image => batch.Names[image]);
            _exact.Add(logits);
        }
    }

    /// <inheritdoc />
    public override (int Images, int Labeled) Counts =>
        (_batches.Sum(batch => batch.Count), _batches.Sum(batch => batch.Labels.Count(label => label is not null)));

    /// <inheritdoc />
    public override AnswerEffect Measure(
        Func<string, SiteKind, bool> isQuantized, CancellationToken cancellationToken)
    {
        _evaluator.IsQuantized = isQuantized;
        var result = new EvaluationResult(references: 1);
        var noise = new Decibels();
        for (int i = 0; i < _batches.Count; i++)
        {
            FloatTensor logits = _executor.Run(_batches[i].Images, cancellationToken);
            result.Add(logits, _classes.ClassesOf(_batches[i].Labels), _exact[i]);
            noise.Add(logits, _exact[i]);
        }
        return new AnswerEffect(noise.Ratio, result.Agreements[0].Top1, result.Top1);
    }

    /// <inheritdoc />
    public override void AppendTo(IncrementalHash hash)
    {
        foreach (ImageBatch batch in _batches)
        {
            hash.AppendData(MemoryMarshal.AsBytes(batch.Images.Span));
            hash.AppendData(Encoding.UTF8.GetBytes(string.Join(',', batch.Labels)));
        }
    }

    /// <inheritdoc />
    public override void Dispose() => _inner.Dispose();
}
