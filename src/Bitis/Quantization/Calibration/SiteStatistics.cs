using Bitis.Quantization.Estimators;
using Bitis.Tensors;

namespace Bitis.Quantization.Calibration;

/// <summary>
/// What calibration saw at one activation: for each group of values its extremes and, from a second pass over the same
/// images, a histogram between them. Memory does not grow with the number of images.
/// </summary>
public sealed class SiteStatistics
{
    /// <summary>Bins of a group's histogram.</summary>
    /// <remarks>
    /// Errors are computed as if the values were spread evenly within a bin, which is exact enough as soon as a
    /// quantization interval covers a few bins: 1024 bins are 4 for each of 255 intervals.
    /// </remarks>
    public const int Bins = 1024;

    private readonly float[] _low;
    private readonly float[] _high;
    private int[][]? _histograms;
    private List<FloatTensor>? _values;

    /// <summary>Starts with nothing seen.</summary>
    /// <param name="name">The site, for messages.</param>
    /// <param name="groups">1 for a whole tensor, or the number of token positions or channels.</param>
    public SiteStatistics(string name, int groups)
    {
        Name = name;
        _low = new float[groups];
        _high = new float[groups];
        Array.Fill(_low, float.PositiveInfinity);
        Array.Fill(_high, float.NegativeInfinity);
    }

    /// <summary>The site, for messages.</summary>
    public string Name { get; }

    /// <summary>How many groups of values there are.</summary>
    public int Groups => _low.Length;

    /// <summary>The extremes of a group.</summary>
    public ValueRange Range(int group) => new(_low[group], _high[group]);

    /// <summary>The histogram of a group, <see cref="Bins"/> counts from its smallest to its largest value.</summary>
    /// <exception cref="InvalidOperationException">There was no second pass.</exception>
    public ReadOnlySpan<int> Histogram(int group) =>
        (_histograms ?? throw new InvalidOperationException($"{Name}: no histogram was collected."))[group];

    /// <summary>The values of a group, token by token.</summary>
    /// <exception cref="InvalidOperationException">No values were kept.</exception>
    public IEnumerable<ReadOnlyMemory<float>> Values(int group)
    {
        foreach (FloatTensor values in _values ?? throw new InvalidOperationException($"{Name}: no values were kept."))
        {
            (int tokens, int channels) = Rows(values);
            for (int row = Groups == 1 ? 0 : group; row < values.Shape[0] * tokens; row += Groups == 1 ? 1 : tokens)
                yield return values.Memory.Slice(row * channels, channels);
        }
    }

    /// <summary>Keeps the values of a batch for <see cref="Values"/>.</summary>
    internal void Keep(FloatTensor values) => (_values ??= []).Add(values);

    /// <summary>First pass: takes the extremes of a batch in.</summary>
    /// <param name="values">The activation, <c>[batch, groups, ...]</c>; with one group anything else, too.</param>
    /// <exception cref="BitisException">A value is NaN or infinite.</exception>
    public void ObserveRange(FloatTensor values) => ForEachGroup(values, (group, row) =>
    {
        float low = System.Numerics.Tensors.TensorPrimitives.Min<float>(row);
        float high = System.Numerics.Tensors.TensorPrimitives.Max<float>(row);
        if (!float.IsFinite(low) || !float.IsFinite(high))
        {
            throw new BitisException(
                $"{Name}: an activation is NaN or infinite during calibration. "
                + "Check the weights (bitis inspect) and that the images are preprocessed as the model expects.");
        }
        _low[group] = Math.Min(_low[group], low);
        _high[group] = Math.Max(_high[group], high);
    });

    /// <summary>Second pass: counts the values of a batch; its images must have been in the first pass.</summary>
    /// <param name="values">As for <see cref="ObserveRange"/>.</param>
    public void ObserveHistogram(FloatTensor values)
    {
        _histograms ??= [.. Enumerable.Range(0, Groups).Select(_ => new int[Bins])];
        ForEachGroup(values, (group, row) =>
        {
            int[] counts = _histograms[group];
            float low = _low[group], binsPerUnit = Bins / (_high[group] - _low[group]);
            if (!float.IsFinite(binsPerUnit))
                binsPerUnit = 0; // All values are equal: one bin holds them.
            foreach (float value in row)
                counts[Math.Clamp((int)((value - low) * binsPerUnit), 0, Bins - 1)]++;
        });
    }

    /// <summary>
    /// <c>[batch, tokens, channels]</c> to <c>[batch, channels, tokens]</c>: what is observed where channels are the
    /// groups.
    /// </summary>
    internal static FloatTensor ByChannel(FloatTensor x)
    {
        int batch = x.Shape[0], rows = x.Shape[1], columns = x.Shape[2];
        FloatTensor result = FloatTensor.Uninitialized([batch, columns, rows]);
        Span<float> target = result.Span;
        ReadOnlySpan<float> source = x.Span;
        for (int image = 0, i = 0; image < batch; image++)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    target[(((image * columns) + column) * rows) + row] = source[i++];
            }
        }
        return result;
    }

    /// <summary>An image's tokens and their length: a vector is one, a map has one for each of its rows.</summary>
    private static (int Tokens, int Channels) Rows(FloatTensor values)
    {
        int channels = values.Shape[^1];
        return (values.Length / (values.Shape[0] * channels), channels);
    }

    private void ForEachGroup(FloatTensor values, RowAction observe)
    {
        int batch = values.Shape[0];
        (int tokens, int channels) = Rows(values);
        if (Groups != 1 && Groups != tokens)
            throw new ArgumentException($"{Name} has {Groups} groups, not {tokens} tokens.", nameof(values));
        for (int row = 0; row < batch * tokens; row++)
            observe(Groups == 1 ? 0 : row % tokens, values.Span.Slice(row * channels, channels));
    }

    private delegate void RowAction(int group, ReadOnlySpan<float> row);
}
