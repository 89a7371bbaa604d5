using System.Runtime.InteropServices;

namespace Bitis.Gpu.Benchmarks.Checks;

/// <summary>How far buffers of a GPU are from those of the interpreter, by kernel.</summary>
/// <remarks>
/// Only words that a kernel changed count: the rest of a buffer may be what an earlier kernel left there in another
/// form. What they hold is not known here. So a difference counts as that of float32, float16 or levels, whichever
/// makes it the smallest. Approximations of exponentials differ in their last bits, and so may a level by one.
/// </remarks>
internal sealed class PairedDifferences
{
    private const float FloatTolerance = 1e-4f, HalfTolerance = 2e-3f, SumTolerance = 0.02f;
    private const int LevelTolerance = 1;

    private readonly SortedDictionary<string, Row> _rows = new(StringComparer.Ordinal);

    /// <summary>Whether all differences are those of approximations.</summary>
    public bool AreSmall => _rows.Values.All(row => row.IsSmall);

    /// <summary>Adds a buffer that a kernel read or wrote.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="before">What both had before.</param>
    /// <param name="here">What the interpreter has.</param>
    /// <param name="there">What the GPU has.</param>
    /// <param name="roundsInside">
    /// Whether it multiplies values that it has rounded itself, so that one that becomes its neighbour changes sums.
    /// </param>
    public void Add(
        string kernel, ReadOnlySpan<byte> before, ReadOnlySpan<byte> here, ReadOnlySpan<byte> there,
        bool roundsInside = false)
    {
        (here, there) = Changed(before, here, there);
        Row row = _rows.GetValueOrDefault(kernel) ?? new Row();
        int different = 0, levels = 0;
        for (int i = 0; i < here.Length; i++)
        {
            if (here[i] != there[i])
                (different, levels) = (different + 1, Math.Max(levels, Math.Abs(here[i] - there[i])));
        }
        row.Bytes += here.Length;
        row.Different += different;
        if (different > 0)
            row.Note(Floats(here, there), Halves(here, there), levels, roundsInside);
        _rows[kernel] = row;
    }

    /// <summary>Writes a table.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine("| kernel | bytes | different bytes | largest difference | |\n|---|---|---|---|---|");
        foreach ((string kernel, Row row) in _rows)
        {
            output.WriteLine(
                $"| {kernel} | {row.Bytes} | {row.Different} | {row.Largest} | {(row.IsSmall ? "good" : "**BAD**")} |");
        }
    }

    /// <summary>The words of four bytes that at least one side changed.</summary>
    private static (byte[] Here, byte[] There) Changed(
        ReadOnlySpan<byte> before, ReadOnlySpan<byte> here, ReadOnlySpan<byte> there)
    {
        const int Word = sizeof(float);
        List<byte> changedHere = [], changedThere = [];
        for (int i = 0; i < before.Length; i += Word)
        {
            Range word = i..Math.Min(i + Word, before.Length);
            if (before[word].SequenceEqual(here[word]) && before[word].SequenceEqual(there[word]))
                continue;
            changedHere.AddRange(here[word]);
            changedThere.AddRange(there[word]);
        }
        return ([.. changedHere], [.. changedThere]);
    }

    /// <summary>
    /// The largest difference of float32, relative to the largest value. It is infinite if one is not finite, or if the
    /// magnitudes are not those of floats.
    /// </summary>
    private static float Floats(ReadOnlySpan<byte> here, ReadOnlySpan<byte> there)
    {
        const float Tiny = 1e-12f, Huge = 1e12f, Unlikely = 0.01f;
        ReadOnlySpan<float> a = MemoryMarshal.Cast<byte, float>(here), b = MemoryMarshal.Cast<byte, float>(there);
        float largest = 0, difference = 0;
        int strange = 0;
        foreach (float value in a)
            strange += value == 0 || (Math.Abs(value) is > Tiny and < Huge) ? 0 : 1;
        if (strange > Unlikely * a.Length)
            return float.PositiveInfinity;
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i].Equals(b[i]))
                continue;
            if (!float.IsFinite(a[i]) || !float.IsFinite(b[i]))
                return float.PositiveInfinity;
            difference = Math.Max(difference, Math.Abs(a[i] - b[i]));
        }
        foreach (float value in a)
            largest = float.IsFinite(value) ? Math.Max(largest, Math.Abs(value)) : largest;
        return difference / Math.Max(largest, float.Epsilon);
    }

    /// <summary>As <see cref="Floats"/>, for float16.</summary>
    private static float Halves(ReadOnlySpan<byte> here, ReadOnlySpan<byte> there)
    {
        ReadOnlySpan<Half> a = MemoryMarshal.Cast<byte, Half>(here), b = MemoryMarshal.Cast<byte, Half>(there);
        float largest = 0, difference = 0;
        for (int i = 0; i < a.Length; i++)
        {
            if (Half.IsFinite(a[i]))
                largest = Math.Max(largest, Math.Abs((float)a[i]));
            if (a[i].Equals(b[i]))
                continue;
            if (!Half.IsFinite(a[i]) || !Half.IsFinite(b[i]))
                return float.PositiveInfinity;
            difference = Math.Max(difference, Math.Abs((float)a[i] - (float)b[i]));
        }
        return difference / Math.Max(largest, float.Epsilon);
    }

    private sealed class Row
    {
        public long Bytes { get; set; }

        public long Different { get; set; }

        public bool IsSmall { get; private set; } = true;

        public string Largest { get; private set; } = "";

        private float _worst;

        /// <summary>Notes a buffer with differences, by how far each is from what is tolerated.</summary>
        public void Note(float floats, float halves, int levels, bool roundsInside)
        {
            (float Excess, string Text)[] views =
            [
                (floats / (roundsInside ? SumTolerance : FloatTolerance), $"{floats:E1} (float32)"),
                (halves / HalfTolerance, $"{halves:E1} (float16)"),
                (levels / (float)LevelTolerance, $"{levels} (levels)"),
            ];
            (float excess, string text) = views.MinBy(view => view.Excess);
            IsSmall &= excess <= 1;
            if (excess > _worst)
                (_worst, Largest) = (excess, text);
        }
    }
}
