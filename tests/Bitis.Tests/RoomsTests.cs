using NetArchTest.Rules;

namespace Bitis.Tests;

/// <summary>
/// Folders are namespaces, and a room uses only rooms that stand before it (docs/architecture.md, "Rooms").
/// </summary>
public sealed class RoomsTests
{
    /// <summary>Each uses only those before it.</summary>
    private static readonly string[] Rooms =
    [
        "Json", "Tensors", "Kernels", "Graphs", "Files", "Checkpoints", "Data", "Models", "Quantization", "Execution",
        "Evaluation", "Training", "Reconstruction", "Analysis",
    ];

    /// <summary>More than that gets sub-folders.</summary>
    private const int FilesInAFolder = 20;

    private static readonly string Sources = Path.Combine(ReadmeTests.Root, "src", "Bitis");

    /// <summary>
    /// The types that a user starts with: they are in the root namespace, but their files and rules are their room's.
    /// </summary>
    private static readonly ILookup<string, string> DoorsOfRooms = Files()
        .Where(file => RoomOf(file) != "." && NamespaceOf(file) == "Bitis")
        .ToLookup(RoomOf, file => Path.GetFileNameWithoutExtension(file));

    public static TheoryData<string> RoomNames => [.. Rooms];

    [Theory]
    [MemberData(nameof(RoomNames))]
    public void A_room_uses_only_rooms_before_it(string room)
    {
        List<string> broken = [];
        foreach (string later in Rooms[(Array.IndexOf(Rooms, room) + 1)..])
        {
            TestResult result = Types.InAssembly(typeof(FloatTensor).Assembly)
                .That().ResideInNamespace($"Bitis.{room}").Or().HaveName([.. DoorsOfRooms[room], "-"])
                .ShouldNot().HaveDependencyOnAny(
                    [$"Bitis.{later}", .. DoorsOfRooms[later].Select(name => $"Bitis.{name}")])
                .GetResult();
            broken.AddRange(result.FailingTypes.Select(type => $"{type.FullName} uses {later}"));
        }
        Assert.Empty(broken);
    }

    [Fact]
    public void A_folder_has_few_files()
    {
        IEnumerable<string> crowded = Directory
            .EnumerateFiles(Path.Combine(ReadmeTests.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .GroupBy(file => Path.GetDirectoryName(file)!)
            .Where(folder => folder.Count() > FilesInAFolder)
            .Select(folder => $"{folder.Key} has {folder.Count()} files.");
        Assert.Empty(crowded);
    }

    [Fact]
    public void Folders_are_namespaces()
    {
        HashSet<string> rooms = [];
        foreach (string file in Files())
        {
            string folder = Path.GetRelativePath(Sources, Path.GetDirectoryName(file)!);
            string expected = folder == "." ? "Bitis" : $"Bitis.{folder.Replace(Path.DirectorySeparatorChar, '.')}";
            if (!DoorsOfRooms[RoomOf(file)].Contains(Path.GetFileNameWithoutExtension(file)))
                Assert.Equal((file, expected), (file, NamespaceOf(file)));
            rooms.Add(RoomOf(file));
        }
        Assert.Equal(Rooms.Append(".").Order(), rooms.Order());
    }

    /// <summary>Only what a user starts with may leave its room's namespace.</summary>
    [Fact]
    public void Types_in_the_root_namespace_are_public()
    {
        IEnumerable<string> doors = DoorsOfRooms.SelectMany(room => room);
        Assert.All(doors, name => Assert.True(typeof(FloatTensor).Assembly.GetType($"Bitis.{name}")!.IsPublic, name));
    }

    private static IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Sources, "*.cs", SearchOption.AllDirectories);

    private static string RoomOf(string file) =>
        Path.GetRelativePath(Sources, Path.GetDirectoryName(file)!).Split(Path.DirectorySeparatorChar)[0];

    private static string NamespaceOf(string file) =>
        File.ReadLines(file).First(line => line.StartsWith("namespace ", StringComparison.Ordinal))[
            "namespace ".Length..^1];
}
