using System.Runtime.InteropServices;
using NetVips;

namespace Bitis.Imaging;

/// <summary>
/// The native library, loaded when the first image is decoded. Nothing that it logs goes to standard error.
/// </summary>
/// <remarks>
/// It keeps nothing between images, starts no threads, and refuses loaders that its authors mark as unsafe for
/// untrusted files.
/// </remarks>
internal static class VipsLibrary
{
    /// <summary>The log domains of the library and its dependencies; null is the program itself.</summary>
    private static readonly string?[] LogDomains = ["VIPS", "GLib", "GLib-GObject", "GModule", null];

    private static readonly Lazy<string?> LoadedVersion = new(Load);

    [ThreadStatic]
    private static List<string>? _log;

    /// <summary>Its name and version; null if it cannot be loaded.</summary>
    public static string? Version => LoadedVersion.Value;

    /// <summary>How to install it.</summary>
    public static string Hint { get; } =
        $"Add the NuGet package NetVips.Native.{Platform} to the program, or install libvips 8.18 or later.";

    private static string Platform
    {
        get
        {
            bool isMusl = RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal);
            string linux = isMusl ? "linux-musl" : "linux";
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : linux;
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>Checks that the library can be loaded.</summary>
    /// <param name="file">The image that needs it.</param>
    /// <exception cref="BitisException">The library cannot be loaded.</exception>
    public static void Require(string file)
    {
        if (Version is null)
        {
            throw BitisException.InFile(
                file, $"the native library libvips, which decodes it, cannot be loaded. {Hint}");
        }
    }

    /// <summary>Runs a function, and collects what the library logs on this thread meanwhile.</summary>
    /// <param name="work">The function; everything native is freed at its end.</param>
    /// <param name="log">The messages.</param>
    public static T Listen<T>(Func<T> work, out IReadOnlyList<string> log)
    {
        List<string> messages = [];
        _log = messages;
        try
        {
            return work();
        }
        finally
        {
            _log = null;
            log = messages;
        }
    }

    private static string? Load()
    {
        if (!ModuleInitializer.VipsInitialized)
            return null;
        foreach (string? domain in LogDomains)
            Log.SetLogHandler(domain, Enums.LogLevelFlags.All, (_, _, message) => _log?.Add(message));
        global::NetVips.NetVips.BlockUntrusted = true;
        global::NetVips.NetVips.Concurrency = 1;
        Cache.Max = 0;
        IEnumerable<int> version = Enumerable.Range(0, 3).Select(part => global::NetVips.NetVips.Version(part));
        return $"libvips {string.Join('.', version)}";
    }
}
