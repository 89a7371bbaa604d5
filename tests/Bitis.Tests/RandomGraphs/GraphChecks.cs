using System.Numerics.Tensors;
using System.Text.RegularExpressions;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.RandomGraphs;

/// <summary>The comparisons that a graph goes through; each gives what it found, or null if all is well.</summary>
internal static partial class GraphChecks
{
    private const double Tolerance = 1e-3, GradientTolerance = 2e-3, Step = 1e-5, NormEpsilon = 1e-5;

    private static readonly Finding NoLogits = new(
        FindingKind.Undecided, "the output has tokens: there are no logits", "");

    /// <summary>The reference computes what the formulas say, in float64.</summary>
    public static Finding? Oracle(GraphCase graph) => Guarded(graph, () =>
    {
        double[] expected = new DoubleReference(graph.Graph, graph.Weights).RunBatch(graph.Images);
        (double difference, double largest) = Distance(expected, graph.Reference);
        return difference <= Tolerance * largest ? null : Difference(difference, largest);
    });

    /// <summary>A session's answers are the reference's.</summary>
    public static Finding? Session(GraphCase graph) =>
        Guarded(graph, () => Compare(graph, GraphModels.Session(graph.Graph, graph.Weights, graph.Images)));

    /// <summary>What training computes on its way forward are the reference's answers.</summary>
    public static Finding? Training(GraphCase graph) => graph.Graph.Output.Shape.Rank != 1
        ? NoLogits
        : Guarded(
            graph, () => Compare(graph, GraphModels.Training(graph.Graph, graph.Weights, graph.Images, graph.Targets)));

    /// <summary>The gradients are those of differences in float64, each parameter's along a random direction.</summary>
    public static Finding? Gradients(GraphCase graph)
    {
        if (graph.Graph.Parameters.Count == 0)
            return null; // nothing learns
        if (Training(graph) is { } forward)
            return new Finding(FindingKind.Undecided, "training does not get as far as gradients", forward.Signature);
        return Guarded(graph, () =>
        {
            (_, _, IReadOnlyDictionary<string, FloatTensor> gradients) = GraphModels.Gradients(
                graph.Graph, graph.Weights, graph.Images, graph.Targets);
            double largest = gradients.Values.Max(gradient => (double)TensorPrimitives.Norm<float>(gradient.Span));
            var model = new DoubleReference(graph.Graph, graph.Weights);
            double amplification = graph.Graph.Nodes.Any(IsNormOfSingles) ? 1 / Math.Sqrt(NormEpsilon) : 1;
            foreach ((string name, FloatTensor gradient) in gradients)
            {
                double[] direction =
                [
                    .. Sample.Floats((int)(graph.Seed % int.MaxValue), gradient.Length).Select(
                        value => value < 0 ? -1.0 : 1.0),
                ];
                double actual = 0;
                for (int i = 0; i < direction.Length; i++)
                    actual += direction[i] * gradient.Span[i];
                double expected = Slope(Step), again = Slope(Step / 8);
                double rounding = (1e-5 * amplification * largest)
                    + 1e-7, norm = TensorPrimitives.Norm<float>(gradient.Span);
                double allowed = (GradientTolerance * Math.Max(norm, Math.Abs(expected))) + rounding;
                if (Math.Abs(actual - expected) <= allowed)
                    continue;
                return Math.Abs(expected - again) > allowed / 4
                    ? new Finding(FindingKind.Undecided, "the loss has a kink", name)
                    : new Finding(
                        FindingKind.Difference,
                        "difference",
                        $"the gradient of {name} is {actual:g6} along a direction; expected {expected:g6} (allowed "
                        + $"{allowed:g2})");

                double Slope(double step) => (LossAt(step) - LossAt(-step)) / (2 * step);

                double LossAt(double step)
                {
                    double[] weight = model.Weights[name], original = [.. weight];
                    for (int i = 0; i < weight.Length; i++)
                        weight[i] += step * direction[i];
                    double loss = model.Loss(graph.Images, graph.Targets);
                    original.CopyTo(weight, 0);
                    return loss;
                }
            }
            return null;
        });
    }

    /// <summary>A session in integers gives the bits of the simulation, with a recipe that the seed draws.</summary>
    public static Finding? Integers(GraphCase graph)
    {
        if (graph.Graph.Output.Shape.Rank != 1)
            return NoLogits;
        Recipe recipe = DrawRecipe(graph);
        string description = $"{recipe.Method} {recipe.Bits} {recipe.Scope} "
            + $"{recipe.ActivationGranularity?.ToString() ?? "usual granularity"}";
        Finding? finding = Guarded(graph, () =>
        {
            QuantizedModel model = GraphModels.Quantize(
                graph.Graph, graph.Weights, GraphWeights.Images(graph.Graph, 6, graph.Seed + 1), recipe);
            FloatTensor integers = GraphModels.Session(model, graph.Images),
                expected = GraphModels.Simulate(model, graph.Images);
            if (Sample.Bits(expected.Span).AsSpan().SequenceEqual(Sample.Bits(integers.Span)))
                return null;
            (double difference, double largest) = Distance(
                Array.ConvertAll(expected.Span.ToArray(), value => (double)value), integers);
            return Difference(difference, largest);
        });
        return finding is null ? null : finding with { Detail = $"{description}: {finding.Detail}" };
    }

    /// <summary>The recipe that a graph's seed draws; it has something to do.</summary>
    private static Recipe DrawRecipe(GraphCase graph)
    {
        var random = SeededRandom.ForPart(graph.Seed, 2);
        bool hasLinear = graph.Graph.Nodes.Any(node => node.Operator is Linear && graph.Graph.IsInBlock(node));
        string method = Of("minmax", "smoothquant", "ptq4vm", "ptq4vm+", "qmamba+", "ptq4vm+qmamba");
        Granularity? granularity = Of<Granularity?>(null, Granularity.PerTensor, Granularity.PerToken);
        return new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(Of("w8a8", "w8a8", "w6a6", "w4a8", "w4a4", "w2a3", "w8a32", "w32a8")),
            Scope = hasLinear ? Of(Scope.Linear, Scope.Ssm, Scope.Full, Scope.Full) : Scope.Full,
            ActivationGranularity = granularity,
        }.WithSteps(2);

        T Of<T>(params ReadOnlySpan<T> choices) => choices[random.NextInt32(choices.Length)];
    }

    private static Finding? Compare(GraphCase graph, FloatTensor actual)
    {
        (double difference, double largest) = Distance(
            Array.ConvertAll(graph.Reference.Span.ToArray(), value => (double)value), actual);
        if (difference <= Tolerance * largest)
            return null;
        // What rounding alone does to the reference, it may do to others.
        double rounding = Distance(
            new DoubleReference(graph.Graph, graph.Weights).RunBatch(graph.Images), graph.Reference).Difference;
        return rounding > Tolerance / 10 * largest || !double.IsFinite(rounding)
            ? new Finding(FindingKind.Undecided, "the answer depends on rounding", $"{rounding / largest:g3}")
            : Difference(difference, largest);
    }

    private static (double Difference, double Largest) Distance(double[] expected, FloatTensor actual)
    {
        double difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double distance = Math.Abs(expected[i] - actual.Span[i]);
            difference = distance > difference || double.IsNaN(distance) ? distance : difference;
        }
        return (difference, expected.Max(Math.Abs));
    }

    private static Finding Difference(double difference, double largest) =>
        new(FindingKind.Difference, "difference", $"{difference / largest:g3} of the largest value");

    /// <summary>Runs a check; an exception becomes a finding.</summary>
    private static Finding? Guarded(GraphCase graph, Func<Finding?> check)
    {
        try
        {
            return check();
        }
        catch (Exception e)
        {
            bool namesNode = graph.Graph.Nodes.Any(
                node => e.Message.Contains($"'{node.Name}'", StringComparison.Ordinal));
            string message = Numbers().Replace(Quoted().Replace(e.Message, "'...'"), "#");
            if (e is BitisException || (e is NotSupportedException && namesNode))
                return new Finding(FindingKind.Refusal, message, e.Message);
            string frame = e.StackTrace?.Split('\n').FirstOrDefault(line => Place().IsMatch(line)) ?? "";
            return new Finding(
                FindingKind.Crash,
                $"{e.GetType().Name}: {message} ({Place().Match(frame).Groups["method"].Value})",
                e.ToString());
        }
    }

    [GeneratedRegex("'[^']*'", RegexOptions.None, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex("[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"at (?<method>Bitis\.[^(]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Place();

    /// <summary>
    /// Whether a norm sees single values: its output and gradient are 0, as differences of equal terms that are
    /// multiplied by 1/√ε, with their rounding.
    /// </summary>
    private static bool IsNormOfSingles(Node node) => node.Operator switch
    {
        GroupNorm norm => norm.Channels == norm.Groups && node.Shape[0] == 1,
        LayerNorm norm => norm.Channels == 1,
        MeanOfNorms norm => norm.Channels == 1,
        _ => false,
    };
}
