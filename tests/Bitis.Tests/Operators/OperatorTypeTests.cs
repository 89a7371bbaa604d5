using System.Text.RegularExpressions;
using Bitis.Graphs.Operators;

namespace Bitis.Tests.Operators;

/// <summary>
/// Nobody asks an operator for its type but those whose work it is: fusion, operations, plans of GPUs, rows of ONNX,
/// initializers and operators themselves. The others ask for what they need to know, so that a new operator is not
/// forgotten in some list.
/// </summary>
public sealed class OperatorTypeTests
{
    private static readonly string[] Folders =
    [
        "src/Bitis/Graphs/Operators/", "src/Bitis/Graphs/Fusion/", "src/Bitis/Execution/Operations/",
        "src/Bitis.Gpu/Plans/", "src/Bitis.Onnx/Operators/",
    ];

    /// <summary>
    /// Files outside of these folders: initial values by operator.
    /// </summary>
    private static readonly string[] Files =
    [
        "src/Bitis/Models/VMamba/VMambaInitializer.cs",
        "src/Bitis/Models/Reference/ResNetInitializer.cs",
        "src/Bitis/Models/LocalMamba/LocalVimInitializer.cs",
        "src/Bitis/Models/Graphs/GraphInitializer.cs",
    ];

    private static readonly IEnumerable<string> Names = typeof(Operator).Assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(Operator)))
        .Select(type => type.Name);

    private static readonly string Qualified = $"(?:(?:Bitis\\.)?Operators\\.)?(?:{string.Join('|', Names)})";

    private static readonly Regex Test = new(
        $@"\b(?:is|as|or|not|and)\s+\(?{Qualified}\b(?!\.)|\bOfType<{Qualified}>|\bOperator:\s*(?:not\s+)?{Qualified}\b"
        + $@"|\btypeof\({Qualified}\)|\bcase\s+{Qualified}\b(?!\.)"
        + $@"|^\s*{Qualified}(?:\s+\w+)?(?:\s+(?:or|when)\b.*)?\s*=>",
        RegexOptions.None,
        TimeSpan.FromSeconds(1));

    /// <summary>A cast knows the type: the backward pass of an operation may.</summary>
    private static readonly Regex Cast = new($@"\({Qualified}\)\s*[\w(]", RegexOptions.None, TimeSpan.FromSeconds(1));

    [Fact]
    public void Operators_are_not_tested_by_type()
    {
        var found = new List<string>();
        foreach (string file in Sources())
        {
            bool mayCast = file.StartsWith("src/Bitis/Execution/Gradients/", StringComparison.Ordinal);
            found.AddRange(LinesOf(file).Where(line => IsTest(line, mayCast)).Select(line => $"{file}: {line.Trim()}"));
        }
        Assert.Empty(found);
    }

    [Fact]
    public void The_files_with_tests_have_some() =>
        Assert.All(Files, file => Assert.Contains(LinesOf(file), line => IsTest(line, mayCast: true)));

    [Theory]
    [InlineData("if (node.Operator is Linear)")]
    [InlineData("if (node.Operator is not Conv2d { Kernel: 3 })")]
    [InlineData("x => x is RmsNorm or LayerNorm")]
    [InlineData("var scan = node.Operator as SelectiveScan;")]
    [InlineData("graph.Nodes.Select(node => node.Operator).OfType<ArrangeTokens>()")]
    [InlineData("user is { Operator: ReverseTokens }")]
    [InlineData("            CausalConv1d or DepthwiseConv2d when x => 3,")]
    [InlineData("        Linear linear => linear.InFeatures,")]
    [InlineData("            case Silu:")]
    [InlineData("op.GetType() == typeof(Softplus)")]
    [InlineData("var layer = (Linear)node.Operator;")]
    public void Tests_by_type_are_found(string line) => Assert.True(IsTest(line, mayCast: false));

    [Theory]
    [InlineData("/// <summary>Whether it is Linear.</summary>")]
    [InlineData("new Linear(3, 4, true)")]
    [InlineData("scope is Scope.Linear")]
    [InlineData("Linear(graph, name)")]
    public void Other_lines_are_not(string line) => Assert.False(IsTest(line, mayCast: false));

    private static bool IsTest(string line, bool mayCast)
    {
        string code = line.Split("//")[0];
        return Test.IsMatch(code) || (!mayCast && Cast.IsMatch(code));
    }

    private static string[] LinesOf(string file) => File.ReadAllLines(Path.Combine(ReadmeTests.Root, file));

    private static IEnumerable<string> Sources() => new[] { "src", "benchmarks", "samples" }
        .Select(folder => Path.Combine(ReadmeTests.Root, folder))
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Select(file => Path.GetRelativePath(ReadmeTests.Root, file).Replace('\\', '/'))
        .Where(file => !Files.Contains(file))
        .Where(file => !Folders.Any(folder => file.StartsWith(folder, StringComparison.Ordinal)));
}
