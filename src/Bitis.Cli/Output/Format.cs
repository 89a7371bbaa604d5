using Bitis.Execution.Sessions;

namespace Bitis.Cli.Output;

/// <summary>Formats quantities with their units for people.</summary>
internal static class Format
{
    /// <summary>A share of 0 to 1: <c>76.10 %</c>; <c>-</c> if there is none.</summary>
    public static string Percent(double? share) =>
        share is { } value && !double.IsNaN(value) ? $"{DisplayText.Percent(value)} %" : "-";

    /// <summary>An accuracy, or a note that there are no labels.</summary>
    public static string Accuracy(double? share) => share is null ? "no labels" : Percent(share);

    /// <summary>A size in bytes: <c>6.9 MB</c>, in powers of ten.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1_000 => DisplayText.Count(bytes, "byte"),
        < 1_000_000 => $"{bytes / 1e3:0.0} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0.0} MB",
        _ => $"{bytes / 1e9:0.00} GB",
    };

    /// <summary>A number of things: <c>7.1 million</c>.</summary>
    public static string Count(long count) => count < 1_000_000 ? $"{count:N0}" : $"{count / 1e6:0.0} million";

    /// <summary>The number of images left out, in words; null for none.</summary>
    public static string? Undecodable(long images) =>
        images == 0 ? null : $"{DisplayText.Count(images, "image")} that cannot be decoded";

    /// <summary>A short time: <c>12.3 ms</c>.</summary>
    public static string Milliseconds(TimeSpan time) => $"{time.TotalMilliseconds:0.000} ms";

    /// <summary>A longer time: <c>4.2 s</c>, <c>3 min 20 s</c>, <c>5 h 12 min</c>.</summary>
    public static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        < 60 => $"{time.TotalSeconds:0.0} s",
        < 3600 => $"{(int)time.TotalMinutes} min {time.Seconds} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes} min",
    };

    /// <summary>What computed: <c>4 threads</c>, or the name of a GPU.</summary>
    public static string Place(string device, int threads) =>
        device == CpuEngine.DeviceName ? DisplayText.Count(threads, "thread") : device;

    /// <summary>A factor: <c>2.41×</c>.</summary>
    public static string Factor(double factor) => $"{factor:0.00}×";
}
