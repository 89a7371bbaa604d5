namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Random operands.</summary>
internal sealed class RandomValues(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Floats within limits.</summary>
    public float[] Floats(int count, float low = -1, float high = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => low + (_random.NextSingle() * (high - low)))];

    /// <summary>Floats within limits, perhaps those that float16 has.</summary>
    public float[] Floats(int count, float low, float high, bool areHalves) =>
        areHalves ? Array.ConvertAll(Floats(count, low, high), value => (float)(Half)value) : Floats(count, low, high);

    /// <summary>Whole numbers within limits, as floats.</summary>
    public float[] Integers(int count, int low, int end) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)_random.Next(low, end))];

    /// <summary>Rows of a value in any order, with some of −1.</summary>
    public int[] Rows(int count, int rows)
    {
        int[] order = [.. Enumerable.Range(0, rows), .. Enumerable.Repeat(-1, Math.Max(0, count - rows))];
        _random.Shuffle(order);
        return order[..count];
    }
}
