using System.Globalization;

namespace Bitis.Data.Sources.Labels;

/// <summary>
/// Labels that are numbers, as tables write them: <c>3</c>, or <c>3.0</c>, since pandas makes floats of columns with
/// gaps.
/// </summary>
internal static class LabelNumber
{
    /// <summary>Class indices must be below this; it bounds what a wrong number can make the reader allocate.</summary>
    public const int MaxClasses = 100_000;

    /// <summary>How far a number may be from a whole one: what a detour over floats costs.</summary>
    private const double Tolerance = 1e-6;

    /// <summary>Whether a text is a number of any kind: negative, huge and fractional ones are no names.</summary>
    public static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>Reads a class index.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The index; null if the text is none.</returns>
    public static int? Parse(string text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
            return null;
        double whole = Math.Round(number);
        return Math.Abs(number - whole) <= Tolerance && whole is >= 0 and < MaxClasses ? (int)whole : null;
    }
}
