using System.CommandLine;
using System.Globalization;

namespace Bitis.Cli.Input;

/// <summary>The option of commands that segment images in pieces.</summary>
internal static class WindowOption
{
    /// <summary>The option's name.</summary>
    public const string Name = "--window";

    /// <summary>The usual distance of windows, as a share of their size (512 and 341 in mmsegmentation).</summary>
    private const double UsualStride = 2 / 3.0;

    /// <summary>Creates the option.</summary>
    public static Option<SlidingWindow?> Create() => CommonOptions.Parsed<SlidingWindow?>(
        Name,
        "Segment square windows of SIZE pixels, STRIDE apart (by default two thirds of SIZE), and average their "
        + "results. By default, images are seen as a whole.",
        Parse,
        "SIZE[,STRIDE]");

    private static SlidingWindow? Parse(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        int size = Number(parts[0], text);
        int stride = parts.Length switch
        {
            1 => Math.Max(1, (int)(size * UsualStride)),
            2 => Number(parts[1], text),
            _ => throw Invalid(text),
        };
        var window = new SlidingWindow(size, stride);
        window.Validate();
        return window;
    }

    private static int Number(string part, string text) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Invalid(text);

    private static BitisException Invalid(string text) =>
        new($"{Name} takes SIZE or SIZE,STRIDE in pixels, not '{text}'.");
}
