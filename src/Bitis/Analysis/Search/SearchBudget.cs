using System.Globalization;

namespace Bitis;

/// <summary>What a recipe must keep: <c>drop&lt;=0.5</c>, <c>latency&lt;=2.5ms</c> or <c>size&lt;=1MB</c>.</summary>
/// <param name="Measure">What is limited.</param>
/// <param name="Limit">The most of it: points of accuracy, milliseconds or bytes; at least 0, and finite.</param>
/// <exception cref="ArgumentOutOfRangeException">The measure or the limit is none.</exception>
public sealed record SearchBudget(SearchMeasure Measure, double Limit)
{
    private const string Sign = "<=";

    private static readonly Dictionary<string, double> Times = new() { ["us"] = 1e-3, ["ms"] = 1, ["s"] = 1e3 };

    private static readonly Dictionary<string, double> Sizes =
        new() { ["kB"] = 1e3, ["KB"] = 1e3, ["MB"] = 1e6, ["GB"] = 1e9 };

    /// <summary>What is limited.</summary>
    public SearchMeasure Measure { get; init; } = Enum.IsDefined(Measure)
        ? Measure
        : throw new ArgumentOutOfRangeException(nameof(Measure), Measure, "Expected one of the measures.");

    /// <summary>The most of it: points of accuracy, milliseconds or bytes.</summary>
    public double Limit { get; init; } = Limit >= 0 && double.IsFinite(Limit)
        ? Limit
        : throw new ArgumentOutOfRangeException(nameof(Limit), Limit, "Expected a number of at least 0.");

    /// <summary>Reads a budget.</summary>
    /// <exception cref="BitisException">The text has another form.</exception>
    public static SearchBudget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] sides = text.Split(Sign, StringSplitOptions.TrimEntries);
        if (sides.Length != 2)
            throw Malformed(text);
        int digits = sides[1].TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        string unit = sides[1][digits..].TrimStart();
        if (!double.TryParse(
            sides[1][..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double limit)
            || !double.IsFinite(limit * Sizes["GB"]))
        {
            throw Malformed(text);
        }
        return sides[0] switch
        {
            "drop" when unit.Length == 0 => new SearchBudget(SearchMeasure.Drop, limit),
            "latency" when Times.TryGetValue(unit, out double time) =>
                new SearchBudget(SearchMeasure.Latency, limit * time),
            "size" when Sizes.TryGetValue(unit, out double size) => new SearchBudget(SearchMeasure.Size, limit * size),
            _ => throw Malformed(text),
        };
    }

    /// <summary>The form that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Measure switch
    {
        SearchMeasure.Latency => string.Create(CultureInfo.InvariantCulture, $"latency{Sign}{Limit:0.############}ms"),
        SearchMeasure.Size => string.Create(CultureInfo.InvariantCulture, $"size{Sign}{Limit / 1e6:0.############}MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"drop{Sign}{Limit:0.############}"),
    };

    private static BitisException Malformed(string text) => new(
        $"'{text}' is not a budget: expected 'drop<=0.5' (points of accuracy), 'latency<=2.5ms' or 'size<=1MB'.");
}
