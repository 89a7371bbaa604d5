using Bitis.Data.Codecs;

namespace Bitis.Data;

/// <summary>A native library that decodes images.</summary>
/// <param name="Format">The image format: <c>JPEG</c>.</param>
/// <param name="Name">The library: <c>turbojpeg</c>.</param>
/// <param name="IsFound">Whether this machine has it.</param>
/// <param name="Packages">The packages that bring it, by system.</param>
public sealed record NativeImageLibrary(string Format, string Name, bool IsFound, string Packages)
{
    /// <summary>All of them, looked for on this machine.</summary>
    public static IReadOnlyList<NativeImageLibrary> All => NativeCodec.Describe();
}
