using System.Globalization;

namespace Bitis.Data.Sources.Labels;

/// <summary>Parses class indices: <c>3</c>, or <c>3.0</c>, since pandas writes columns with gaps as floats.</summary>
internal static class LabelNumber
{
    /// <summary>The bound of class indices, so that a wrong number cannot cause huge allocations.</summary>
    public const int MaxClasses = 100_000;

    /// <summary>The largest distance from a whole number, for rounding errors of a conversion to float.</summary>
    private const double Tolerance = 1e-6;

    /// <summary>Whether a text is a number of any kind, including negative, huge and fractional ones.</summary>
    public static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>Reads a class index.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The index; null if the text is not one.</returns>
    public static int? Parse(string text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
            return null;
        double whole = Math.Round(number);
        return Math.Abs(number - whole) <= Tolerance && whole is >= 0 and < MaxClasses ? (int)whole : null;
    }
}
