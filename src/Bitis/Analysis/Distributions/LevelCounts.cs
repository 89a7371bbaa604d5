namespace Bitis.Analysis.Distributions;

/// <summary>Counts values between the levels of a quantizer.</summary>
/// <remarks>A value's place is where it lies among the levels, which are whole numbers: x/s + z.</remarks>
internal sealed class LevelCounts
{
    private const int SmallestMargin = 4;

    private readonly int _minLevel, _maxLevel;
    private readonly double _low, _binsPerLevel;
    private readonly long[] _counts;
    private long _clipped;

    /// <summary>Counts nothing yet.</summary>
    /// <param name="minLevel">The lowest level.</param>
    /// <param name="maxLevel">The highest level.</param>
    public LevelCounts(int minLevel, int maxLevel)
    {
        (_minLevel, _maxLevel) = (minLevel, maxLevel);
        int levels = maxLevel - minLevel + 1, margin = Math.Max(SmallestMargin, levels / 8);
        _low = minLevel - margin;
        _binsPerLevel = levels <= 16 ? 8 : levels <= 64 ? 2 : 0.5;
        _counts = new long[(int)Math.Ceiling((levels - 1 + (2 * margin)) * _binsPerLevel)];
    }

    /// <summary>Adds a value at its place.</summary>
    public void Add(double place)
    {
        if (place < _minLevel - 0.5 || place > _maxLevel + 0.5)
            _clipped++;
        _counts[Math.Clamp((int)((place - _low) * _binsPerLevel), 0, _counts.Length - 1)]++;
    }

    /// <summary>What was counted.</summary>
    /// <param name="site">The site.</param>
    /// <param name="value">The value at a place, with which bins and levels are labeled; null to show places.</param>
    public SiteDistribution Distribution(string site, Func<double, double>? value)
    {
        double total = Math.Max(1, _counts.Sum());
        bool isInLevels = value is null;
        value ??= place => place;
        return new SiteDistribution(
            site, value(_low), value(_low + (_counts.Length / _binsPerLevel)),
            Array.ConvertAll(_counts, count => count / total))
        {
            IsInLevels = isInLevels,
            Levels = [.. Enumerable.Range(_minLevel, _maxLevel - _minLevel + 1).Select(level => value(level))],
            Clipped = _clipped / total,
        };
    }
}
