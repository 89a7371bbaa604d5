using Bitis.Tensors;
using NetArchTest.Rules;

namespace Bitis.Tests;

/// <summary>Folders are namespaces, and a room uses only rooms that stand before it (docs/architecture.md, "Rooms").</summary>
public sealed class RoomsTests
{
    /// <summary>Each uses only those before it.</summary>
    private static readonly string[] Rooms =
    [
        "Json", "Tensors", "Kernels", "Graphs", "Files", "Checkpoints", "Data", "Models", "Quantization", "Execution", "Evaluation", "Training",
        "Reconstruction", "Analysis",
    ];

    /// <summary>More than that gets sub-folders.</summary>
    private const int FilesInAFolder = 21;

    public static TheoryData<string> RoomNames => [.. Rooms];

    [Theory]
    [MemberData(nameof(RoomNames))]
    public void A_room_uses_only_rooms_before_it(string room)
    {
        List<string> broken = [];
        foreach (string later in Rooms[(Array.IndexOf(Rooms, room) + 1)..])
        {
            TestResult result = Types.InAssembly(typeof(Tensor).Assembly)
                .That().ResideInNamespace($"Bitis.{room}")
                .ShouldNot().HaveDependencyOnAny($"Bitis.{later}")
                .GetResult();
            broken.AddRange(result.FailingTypes.Select(type => $"{type.FullName} uses {later}"));
        }
        Assert.Empty(broken);
    }

    [Fact]
    public void A_folder_has_few_files()
    {
        string sources = Path.Combine(ReadmeTests.Root, "src");
        IEnumerable<string> crowded = Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories)
            .GroupBy(file => Path.GetDirectoryName(file)!)
            .Where(folder => folder.Count() > FilesInAFolder)
            .Select(folder => $"{Path.GetRelativePath(sources, folder.Key)} has {folder.Count()} files.");
        Assert.Empty(crowded);
    }

    [Fact]
    public void Folders_are_namespaces()
    {
        string sources = Path.Combine(ReadmeTests.Root, "src", "Bitis");
        HashSet<string> rooms = [];
        foreach (string file in Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetRelativePath(sources, Path.GetDirectoryName(file)!);
            string expected = folder == "." ? "Bitis" : $"Bitis.{folder.Replace(Path.DirectorySeparatorChar, '.')}";
            Assert.Contains($"namespace {expected};", File.ReadLines(file));
            rooms.Add(folder.Split(Path.DirectorySeparatorChar)[0]);
        }
        Assert.Equal(Rooms.Append(".").Order(), rooms.Order());
    }
}
