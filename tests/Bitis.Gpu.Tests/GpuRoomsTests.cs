namespace Bitis.Gpu.Tests;

/// <summary>Folders of Bitis.Gpu are namespaces, and each uses only some others.</summary>
public sealed class GpuRoomsTests
{
    private static readonly Dictionary<string, string[]> Uses = new()
    {
        ["Ptx"] = [],
        ["Devices"] = ["Ptx"],
        ["Driver"] = ["Ptx", "Devices"],
        ["Kernels"] = ["Ptx", "Devices"],
        ["Plans"] = ["Ptx", "Devices", "Kernels"],
    };

    private static readonly string Sources = Path.Combine(Root(), "src", "Bitis.Gpu");

    [Fact]
    public void Rooms_use_only_rooms_before_them()
    {
        string[] rooms = [.. Directory.GetDirectories(Sources).Select(folder => Path.GetFileName(folder)!)];
        Assert.Equal(Uses.Keys.Order(), rooms.Order());
        foreach (string room in rooms)
        {
            string[] forbidden = [.. Uses.Keys.Except(Uses[room]).Where(other => other != room)];
            foreach (string file in Files(room))
            {
                IEnumerable<string> lines = File.ReadLines(file).Where(
                    line => forbidden.Any(other => line.Contains($"Bitis.Gpu.{other}", StringComparison.Ordinal)));
                Assert.Equal((file, ""), (file, string.Join('\n', lines)));
            }
        }
    }

    [Fact]
    public void Folders_are_namespaces()
    {
        foreach (string file in Uses.Keys.SelectMany(Files))
        {
            string folder = Path.GetRelativePath(Sources, Path.GetDirectoryName(file)!);
            string expected = $"namespace Bitis.Gpu.{folder.Replace(Path.DirectorySeparatorChar, '.')};";
            Assert.Contains(expected, File.ReadLines(file));
        }
    }

    /// <summary>Users see nothing of it before sessions do.</summary>
    [Fact]
    public void No_type_is_public() => Assert.Empty(typeof(Bitis.Gpu.Plans.GpuPlan).Assembly.GetExportedTypes());

    private static string[] Files(string room) =>
        Directory.GetFiles(Path.Combine(Sources, room), "*.cs", SearchOption.AllDirectories);

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Bitis.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run outside of the repository.");
    }
}
