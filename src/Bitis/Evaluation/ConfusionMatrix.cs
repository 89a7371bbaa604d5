namespace Bitis.Evaluation;

/// <summary>How often images of one class were taken for another. Only pairs that occurred take memory.</summary>
internal sealed class ConfusionMatrix
{
    private readonly Dictionary<(int Label, int Predicted), long> _counts = [];

    /// <summary>
    /// How many images of class <paramref name="label"/> were taken for class <paramref name="predicted"/>.
    /// </summary>
    public long this[int label, int predicted] => _counts.GetValueOrDefault((label, predicted));

    /// <summary>Every class that has images: how many, and how many were recognized; by class.</summary>
    public IReadOnlyList<ClassAccuracy> Classes =>
    [
        .. _counts.GroupBy(entry => entry.Key.Label).OrderBy(group => group.Key).Select(group =>
            new ClassAccuracy(group.Key, group.Sum(entry => entry.Value), this[group.Key, group.Key])),
    ];

    /// <summary>
    /// The pairs of different classes, the most frequent first; equal ones by label, then by prediction.
    /// </summary>
    public IReadOnlyList<Confusion> MostFrequent(int count) =>
    [
        .. _counts.Where(entry => entry.Key.Label != entry.Key.Predicted)
            .OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key)
            .Take(count)
            .Select(entry => new Confusion(entry.Key.Label, entry.Key.Predicted, entry.Value)),
    ];

    internal void Add(int label, int predicted, long count = 1) =>
        _counts[(label, predicted)] = this[label, predicted] + count;

    internal void Add(ConfusionMatrix other)
    {
        foreach (((int label, int predicted), long count) in other._counts)
            Add(label, predicted, count);
    }
}
