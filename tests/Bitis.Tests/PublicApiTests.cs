using Bitis.Imaging;

namespace Bitis.Tests;

/// <summary>What users see stays small, and no name is one of the platform's.</summary>
public sealed class PublicApiTests
{
    /// <summary>Fourteen of them compare recipes, rank sites and search: what the command line can do, too.</summary>
    private const int MostTypes = 77;

    private static readonly Type[] Types =
    [
        .. typeof(FloatTensor).Assembly.GetExportedTypes(),
        .. typeof(ImageFiles).Assembly.GetExportedTypes(),
    ];

    [Fact]
    public void There_are_few_public_types() => Assert.InRange(Types.Count(type => !IsGenerated(type)), 40, MostTypes);

    [Fact]
    public void No_name_is_one_of_the_platform()
    {
        string[] namespaces =
        [
            "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Numerics",
            "System.Numerics.Tensors", "System.Threading", "System.Threading.Tasks",
        ];
        HashSet<string> taken = [.. AppDomain.CurrentDomain.GetAssemblies()
            .Append(typeof(System.Numerics.Tensors.Tensor).Assembly)
            .Where(assembly => assembly.GetName().Name!.StartsWith("System.", StringComparison.Ordinal))
            .SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => !type.IsNested && namespaces.Contains(type.Namespace))
            .Select(type => type.Name.Split('`')[0])];
        Assert.Contains("Tensor", taken);
        Assert.DoesNotContain(Types, type => taken.Contains(type.Name.Split('`')[0]));
    }

    /// <summary>What the compiler makes of extension blocks.</summary>
    private static bool IsGenerated(Type type) => type.Name.StartsWith('<');
}
