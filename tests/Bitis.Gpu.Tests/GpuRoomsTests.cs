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
        ["Sessions"] = ["Ptx", "Devices", "Driver", "Kernels", "Plans"],
    };

    /// <summary>What a user starts with is in the root namespace.</summary>
    private static readonly string[] Doors = ["FloatPrecision", "GpuOptions", "NvidiaGpu"];

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
            string expected = Doors.Contains(Path.GetFileNameWithoutExtension(file))
                ? "namespace Bitis;"
                : $"namespace Bitis.Gpu.{folder.Replace(Path.DirectorySeparatorChar, '.')};";
            Assert.Contains(expected, File.ReadLines(file));
        }
    }

    [Fact]
    public void Users_see_only_the_doors() =>
        Assert.Equal(Doors, typeof(NvidiaGpu).Assembly.GetExportedTypes().Select(type => type.Name).Order());

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
