using System.Globalization;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Xunit.Abstractions;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// Graphs that nobody wrote: sessions, training, gradients and integers against the reference. <c>BITIS_GRAPHS=n</c>
/// checks n graphs in float32, and a tenth as many gradients and quantized models:
/// <code>
///   BITIS_GRAPHS=60000 dotnet test tests/Bitis.Tests -c Release \
///       --filter FullyQualifiedName~RandomGraphTests -- xUnit.DiagnosticMessages=true
/// </code>
/// </summary>
public sealed class RandomGraphTests(DiagnosticSink sink, ITestOutputHelper output) : IClassFixture<DiagnosticSink>
{
    private const int EnoughForAllOperators = 400;

    private static readonly int Graphs =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_GRAPHS"), CultureInfo.InvariantCulture, out int graphs)
            ? graphs
            : 300;

    [Fact]
    public void Every_operator_occurs()
    {
        Type[] all = [
            .. typeof(Operator).Assembly.GetTypes().Where(type => type is { IsAbstract: false, Namespace: not null }
            && type.Namespace.StartsWith("Bitis.Graphs.Operators", StringComparison.Ordinal)
            && type.IsAssignableTo(typeof(Operator)))];
        Assert.True(all.Length >= 29);
        HashSet<Type> found =
        [
            .. Enumerable.Range(0, EnoughForAllOperators).SelectMany(
                seed => GraphGenerator.Generate((ulong)seed).Nodes).Select(node => node.Operator.GetType()),
        ];
        Assert.Empty(all.Where(type => !found.Contains(type)).Select(type => type.Name));
    }

    [Fact]
    public void A_seed_gives_the_same_graph_and_the_same_weights()
    {
        GraphSpec first = GraphGenerator.Generate(7), second = GraphGenerator.Generate(7);
        Assert.Equal(GraphCode.Of(first, 7), GraphCode.Of(second, 7));
        TensorAssert.Same(new GraphCase(first.Build(), 7).Reference, new GraphCase(second.Build(), 7).Reference);
    }

    [Fact]
    public void What_fails_is_shrunk_to_what_matters()
    {
        GraphSpec spec = Enumerable.Range(0, 1000).Select(seed => GraphGenerator.Generate((ulong)seed))
            .First(spec => spec.Operators > 10 && spec.Nodes.Any(node => node.Operator is Gelu));
        var finding = new Finding(FindingKind.Difference, "has a gelu", "");
        (GraphSpec small, _) = GraphShrinker.Shrink(spec, finding, candidate =>
        {
            candidate.Build();
            return candidate.Nodes.Any(node => node.Operator is Gelu) ? finding : null;
        });
        Assert.InRange(small.Operators, 1, 4);
        Assert.Contains("new Gelu()", GraphCode.Of(small, 0), StringComparison.Ordinal);
    }

    [Fact]
    public void The_reference_computes_what_the_formulas_say() =>
        Run("reference", GraphChecks.Oracle, Math.Min(Graphs / 3, 2000), needsLogits: false);

    [Fact]
    public void Sessions_equal_the_reference() => Run("session", GraphChecks.Session, Graphs, needsLogits: false);

    [Fact]
    public void Training_equals_the_reference() => Run("training", GraphChecks.Training, Graphs);

    [Fact]
    public void Gradients_equal_differences() => Run("gradients", GraphChecks.Gradients, Share());

    [Fact]
    public void Integers_equal_the_simulation() => Run("integers", GraphChecks.Integers, Share());

    private static int Share() => Math.Max(Graphs / 10, 60);

    private void Run(string name, Func<GraphCase, Finding?> check, int count, bool needsLogits = true) =>
        new GraphRun(name, check, needsLogits, message =>
    {
        sink.Say(message);
        output.WriteLine(message);
    }).Check(count);
}
