namespace Bitis.Tests;

/// <summary>The golden files that come with the tests.</summary>
internal static class GoldenFiles
{
    /// <summary>The path of a file such as <c>vim-micro.pth</c>.</summary>
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", name);
}
