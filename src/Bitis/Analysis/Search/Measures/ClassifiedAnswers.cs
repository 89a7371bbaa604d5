using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;

namespace Bitis.Analysis.Search.Measures;

/// <summary>Answers of models that classify: the loss is the mean divergence from the float model's shares.</summary>
/// <remarks>The divergence is that of Kullback and Leibler, <c>Σ p·log(p/q)</c>, p of the float model.</remarks>
internal sealed class ClassifiedAnswers : SearchAnswers
{
    private readonly VisionModel _model;
    private readonly ImageSource _images;
    private readonly ClassMap _classes;
    private readonly int _batchSize, _threads;
    private readonly List<float[]> _logits = [];
    private readonly List<int> _labels = [], _answers = [];
    private readonly FittedShares _shares;

    /// <summary>Answers all images with the float model.</summary>
    public ClassifiedAnswers(
        VisionModel model, ImageSource images, int batchSize, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        (_model, _images, _batchSize, _threads) = (model, images, batchSize, threads);
        _classes = ClassMap.Create(images, model.Config.Classes, model.ClassNames);
        using InferenceSession session = InferenceSession.Create(
            model, new SessionOptions { Threads = threads }, cancellationToken);
        foreach ((float[] logits, int label) in Answers(session, cancellationToken))
        {
            _logits.Add(logits);
            _labels.Add(label);
            _answers.Add(TopK.First(logits));
            progress?.Report(new WorkProgress("answering in float32", _logits.Count, images.Count));
        }
        _shares = new FittedShares(_logits, _labels);
    }

    /// <inheritdoc />
    public override int Images => _logits.Count;

    /// <inheritdoc />
    public override double FloatScore =>
        (double)_answers.Zip(_labels).Count(pair => pair.First == pair.Second) / Images;

    /// <inheritdoc />
    public override AnswerQuality Measure(QuantizedModel model, CancellationToken cancellationToken)
    {
        using InferenceSession session = InferenceSession.Create(
            model, new SessionOptions { Threads = _threads }, cancellationToken);
        int image = 0, correct = 0, same = 0, changed = 0;
        double loss = 0, expected = 0;
        foreach ((float[] logits, int label) in Answers(session, cancellationToken))
        {
            int answer = TopK.First(logits), original = _answers[image];
            correct += answer == label ? 1 : 0;
            same += answer == original ? 1 : 0;
            changed += (answer == label) != (original == label) ? 1 : 0;
            if (answer != original)
                expected += _shares.Of(image, original) - _shares.Of(image, answer);
            loss += Divergence(_logits[image], logits);
            image++;
        }
        double score = (double)correct / image, drop = FloatScore - score;
        double variance = ((double)changed / image) - (drop * drop);
        return new AnswerQuality(
            score, 100 * drop, (double)same / image, loss / image, 100 * Math.Sqrt(variance / image),
            100 * expected / image);
    }

    private static double Divergence(float[] exact, float[] logits)
    {
        double normOfExact = LogOfSum(exact), norm = LogOfSum(logits), sum = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            double log = exact[i] - normOfExact;
            sum += Math.Exp(log) * (log - (logits[i] - norm));
        }
        return Math.Max(sum, 0); // rounding may leave a tiny negative number
    }

    private static double LogOfSum(float[] logits)
    {
        double largest = logits.Max(), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }

    private IEnumerable<(float[] Logits, int Label)> Answers(
        InferenceSession session, CancellationToken cancellationToken)
    {
        foreach (ImageBatch batch in ImageLoader.Load(
            _images, _model.Preprocessing, _batchSize, ThreadCount.Resolve(_threads), cancellationToken))
        {
            FloatTensor logits = session.Run(batch.Images, cancellationToken);
            Logits.RequireFinite(logits, image => batch.Names[image]);
            int?[] labels = _classes.ClassesOf(batch.Labels);
            int classes = logits.Shape[1];
            for (int i = 0; i < batch.Count; i++)
                yield return (logits.Span.Slice(i * classes, classes).ToArray(), labels[i]!.Value);
        }
    }
}
