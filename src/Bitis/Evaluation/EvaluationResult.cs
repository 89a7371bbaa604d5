using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis;

/// <summary>The counts of an evaluation over some images.</summary>
/// <remarks>
/// Results over disjoint images can be merged in any order (<see cref="Merge"/>). So several machines can share an
/// evaluation.
/// </remarks>
public sealed class EvaluationResult
{
    private readonly Agreement[] _agreements;

    /// <summary>Creates an empty result.</summary>
    /// <param name="references">The number of references that the model is compared with.</param>
    public EvaluationResult(int references = 0)
    {
        _agreements = new Agreement[references];
        Array.Fill(_agreements, Agreement.None);
    }

    /// <summary>The time that the model took, without decoding images and without references.</summary>
    public TimeSpan ModelTime { get; internal set; }

    /// <summary>Images per second of <see cref="ModelTime"/>.</summary>
    public double ImagesPerSecond => Images / ModelTime.TotalSeconds;

    /// <summary>How many images were evaluated.</summary>
    public long Images { get; private set; }

    /// <summary>How many of them have a label; accuracies count these.</summary>
    public long Labeled { get; private set; }

    /// <summary>How many labeled images have their label as the first class.</summary>
    public long Top1Correct { get; private set; }

    /// <summary>How many labeled images have their label among the first five classes.</summary>
    public long Top5Correct { get; private set; }

    /// <summary>The share of labeled images with their label as the first class, 0 to 1; null without labels.</summary>
    public double? Top1 => Labeled == 0 ? null : (double)Top1Correct / Labeled;

    /// <summary>
    /// The share of labeled images with their label among the first five classes, 0 to 1; null without labels.
    /// </summary>
    public double? Top5 => Labeled == 0 ? null : (double)Top5Correct / Labeled;

    /// <summary>How the images' classes are matched to the model's, and the names of the classes.</summary>
    internal ClassMap? Classes { get; init; }

    /// <summary>How often each class was taken for another, over the labeled images.</summary>
    internal ConfusionMatrix Confusions { get; } = new();

    /// <summary>The agreement with each reference.</summary>
    public IReadOnlyList<Agreement> Agreements => _agreements;

    /// <summary>Adds a batch.</summary>
    /// <param name="logits">The model's logits, <c>[batch, classes]</c>.</param>
    /// <param name="labels">The images' classes; null where unknown.</param>
    /// <param name="references">The references' logits, each <c>[batch, classes]</c>.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other, or a label is not a class.</exception>
    /// <exception cref="BitisException">A logit is not a finite number.</exception>
    public void Add(FloatTensor logits, IReadOnlyList<int?> labels, params ReadOnlySpan<FloatTensor> references)
    {
        if (logits.Shape.Rank != 2 || logits.Shape[0] != labels.Count)
            throw new ArgumentException($"{labels.Count} labels do not fit logits {logits.Shape}.", nameof(labels));
        if (references.Length != _agreements.Length)
        {
            throw new ArgumentException(
                $"{references.Length} references; the result has {_agreements.Length}.", nameof(references));
        }

        foreach (FloatTensor reference in references)
        {
            if (reference.Shape != logits.Shape)
            {
                throw new ArgumentException(
                    $"A reference has logits {reference.Shape}, the model {logits.Shape}.", nameof(references));
            }
        }
        Logits.RequireFinite(logits, image => $"image {image} of the batch");
        foreach (FloatTensor reference in references)
            Logits.RequireFinite(reference, image => $"image {image} of the batch", Logits.Reference);
        int classes = logits.Shape[1];
        for (int image = 0; image < labels.Count; image++)
        {
            ReadOnlySpan<float> scores = logits.Span.Slice(image * classes, classes);
            Images++;
            if (labels[image] is { } label)
                AddLabeled(scores, label);
            for (int r = 0; r < references.Length; r++)
                _agreements[r] = _agreements[r].With(scores, references[r].Span.Slice(image * classes, classes));
        }
    }

    /// <summary>Adds the counts of a result over other images.</summary>
    /// <exception cref="ArgumentException">The results have different numbers of references.</exception>
    public void Merge(EvaluationResult other)
    {
        if (other._agreements.Length != _agreements.Length)
            throw new ArgumentException("The results compare with different numbers of references.", nameof(other));
        ModelTime += other.ModelTime;
        Images += other.Images;
        Labeled += other.Labeled;
        Top1Correct += other.Top1Correct;
        Top5Correct += other.Top5Correct;
        Confusions.Add(other.Confusions);
        for (int r = 0; r < _agreements.Length; r++)
            _agreements[r] = _agreements[r].Merge(other._agreements[r]);
    }

    private void AddLabeled(ReadOnlySpan<float> scores, int label)
    {
        if ((uint)label >= (uint)scores.Length)
            throw new ArgumentException($"The label {label} is not among {scores.Length} classes.", nameof(label));
        int rank = TopK.Rank(scores, label);
        Labeled++;
        Top1Correct += rank == 0 ? 1 : 0;
        Top5Correct += rank < 5 ? 1 : 0;
        Confusions.Add(label, TopK.First(scores));
    }
}
