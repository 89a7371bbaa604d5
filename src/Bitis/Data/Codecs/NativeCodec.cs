using System.Reflection;
using System.Runtime.InteropServices;

namespace Bitis.Data.Codecs;

/// <summary>
/// A native decoder library: the names it goes by on each system, and the package that brings it. One resolver serves
/// all of them, and a missing library ends in a message that says what to install.
/// </summary>
internal sealed class NativeCodec
{
    /// <summary>libjpeg-turbo's TurboJPEG interface.</summary>
    public const string TurboJpegLibrary = "turbojpeg";

    /// <summary>libpng 1.6.</summary>
    public const string PngLibrary = "png16";

    private static readonly NativeCodec TurboJpegCodec = new(
        "JPEG",
        TurboJpegLibrary,
        [
            "libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.0.dylib", "libturbojpeg.dylib",
            "turbojpeg.dll", "libturbojpeg.dll",
        ],
        "libturbojpeg0 (Debian), libturbojpeg (Ubuntu), turbojpeg (Fedora), libjpeg-turbo (Alpine, Arch, vcpkg), jpeg-turbo (Homebrew)");

    private static readonly NativeCodec PngCodec = new(
        "PNG",
        PngLibrary,
        ["libpng16.so.16", "libpng16.so", "libpng16.16.dylib", "libpng16.dylib", "libpng16.dll", "libpng16-16.dll"],
        "libpng16-16 (Debian), libpng16-16t64 (Ubuntu 24.04 and later), libpng (Fedora, Alpine, Arch, Homebrew, vcpkg)");

    // Homebrew's folder on Apple silicon is not on the loader's default path.
    private static readonly string[] ExtraFolders = OperatingSystem.IsMacOS() ? ["/opt/homebrew/lib", "/usr/local/lib"] : [];

    private readonly string _format;
    private readonly string _library;
    private readonly string[] _fileNames;
    private readonly string _packages;
    private readonly Lazy<nint> _handle;

    static NativeCodec() => NativeLibrary.SetDllImportResolver(typeof(NativeCodec).Assembly, Resolve);

    /// <summary>Describes a library.</summary>
    /// <param name="format">The image format that it decodes, for the message.</param>
    /// <param name="library">The name that P/Invoke declarations use.</param>
    /// <param name="fileNames">The names it goes by, most likely first.</param>
    /// <param name="packages">Which package to install.</param>
    internal NativeCodec(string format, string library, string[] fileNames, string packages)
    {
        _format = format;
        _library = library;
        _fileNames = fileNames;
        _packages = packages;
        _handle = new Lazy<nint>(Load);
    }

    /// <summary>Makes sure that TurboJPEG is loaded.</summary>
    /// <exception cref="BitisException">It is not installed.</exception>
    public static void RequireTurboJpeg(string fileName) => TurboJpegCodec.Require(fileName);

    /// <summary>Makes sure that libpng is loaded.</summary>
    /// <exception cref="BitisException">It is not installed.</exception>
    public static void RequirePng(string fileName) => PngCodec.Require(fileName);

    /// <summary>Says of each library whether it is here.</summary>
    public static IReadOnlyList<NativeImageLibrary> Describe() =>
    [
        .. ((NativeCodec[])[TurboJpegCodec, PngCodec]).Select(codec =>
            new NativeImageLibrary(codec._format, codec._library, codec._handle.Value != 0, codec._packages)),
    ];

    /// <summary>Makes sure that the library is loaded.</summary>
    /// <exception cref="BitisException">It is not installed.</exception>
    internal void Require(string fileName)
    {
        if (_handle.Value != 0)
            return;
        throw BitisException.InFile(
            fileName,
            $"{_format} images need the native library {_library}, which was not found. Install the package {_packages}.");
    }

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath) => library switch
    {
        TurboJpegLibrary => TurboJpegCodec._handle.Value,
        PngLibrary => PngCodec._handle.Value,
        _ => 0,
    };

    private nint Load()
    {
        Assembly assembly = typeof(NativeCodec).Assembly;
        foreach (string name in _fileNames)
        {
            if (NativeLibrary.TryLoad(name, assembly, searchPath: null, out nint handle))
                return handle;
            foreach (string folder in ExtraFolders)
            {
                if (NativeLibrary.TryLoad(Path.Combine(folder, name), out handle))
                    return handle;
            }
        }
        return 0;
    }
}
