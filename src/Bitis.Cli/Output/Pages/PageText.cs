using System.Globalization;
using System.Net;

namespace Bitis.Cli.Output.Pages;

/// <summary>Texts and numbers as pages show them.</summary>
internal static class PageText
{
    /// <summary>A text from outside as HTML: control characters visible, cut, and escaped.</summary>
    public static string Html(string text) => WebUtility.HtmlEncode(DisplayText.Of(text, DisplayText.MessageLength));

    /// <summary>A number with four digits, in a form that spreadsheets read.</summary>
    public static string Number(double value) =>
        Math.Abs(value) is >= 1e5 and < 1e15 && value == Math.Floor(value)
            ? value.ToString("0", CultureInfo.InvariantCulture)
            : value.ToString(
                Math.Abs(value) is >= 1e-3 and < 1e5 ? "0.#####" : "G4", CultureInfo.InvariantCulture);

    /// <summary>A share as percent without the sign, for a column that says so.</summary>
    public static string Percent(double? share) =>
        share is { } value ? (100 * value).ToString("0.00", CultureInfo.InvariantCulture) : "";

    /// <summary>Bytes as megabytes, for a column that says so.</summary>
    public static string Megabytes(double? bytes) =>
        bytes is { } value ? (value / 1e6).ToString("0.###", CultureInfo.InvariantCulture) : "";

    /// <summary>Milliseconds.</summary>
    public static string Milliseconds(double? time) =>
        time is { } value ? value.ToString("0.000", CultureInfo.InvariantCulture) : "";

    /// <summary>A number of a chart with five digits, which keep pages small.</summary>
    public static double Short(double value) =>
        double.IsFinite(value)
            ? double.Parse(value.ToString("G5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
            : value;
}
