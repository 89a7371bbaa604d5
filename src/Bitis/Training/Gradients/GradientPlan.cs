using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>The steps of a graph with their places in a lane's arena.</summary>
internal sealed class GradientPlan : IDisposable
{
    /// <summary>Plans a graph.</summary>
    /// <param name="graph">The model, or a part of one.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images that a lane holds.</param>
    /// <param name="substitute">
    /// Where only scales of quantized layers are learned: makes the steps of such layers, and null for other nodes.
    /// </param>
    /// <param name="policy">How the reverse pass of linear and convolutional layers is computed; null for exactly.</param>
    /// <param name="frozen">Which layers do not learn; null if all of them do.</param>
    public GradientPlan(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        int images,
        Func<Node, GradientStep?>? substitute = null,
        BackwardPolicy? policy = null,
        FrozenLayers? frozen = null)
    {
        Images = images;
        List<(Node Node, GradientStep Step)> compiled = GradientCompiler.Compile(graph, policy ?? BackwardPolicy.Exact, substitute, frozen);
        Steps = [.. compiled.Select(entry => entry.Step)];
        var planner = new GradientPlanner(graph, weights, images)
        {
            AreParametersFrozen = substitute is not null,
            Frozen = frozen,
            Repeats = Steps.Any(step => step is LowBitLinearGradient or LowBitGridConvolutionGradient),
        };
        // The image itself stays where it is (GradientLane.Pixels); what comes out of another part of a model is copied in.
        Inputs = substitute is null ? [] : [.. graph.Nodes.Where(node => node.Operator is Input).Select(node => (node, planner.NewValue(node)))];
        for (int i = 0; i < Steps.Count; i++, planner.Time++)
            Steps[i].PlanForward(planner);
        Output = planner.Value(graph.Output);
        OutputGradient = planner.RequiredTarget(graph.Output).Matrix;
        int forwardEnd = ++planner.Time;
        foreach (GradientStep step in compiled.Where(entry => frozen?.IsDifferentiated(entry.Node) != false).Select(entry => entry.Step).Reverse())
        {
            step.PlanBackward(planner);
            ReverseSteps.AddRange(planner.TakeRepeated());
            ReverseSteps.Add(new ReverseStep(step, Repeated: null));
            planner.Time++;
        }
        Layout = planner.Place(forwardEnd);
        KeptInputs = planner.KeptInputs;
        ScratchLength = planner.ScratchLength;
        Parameters = planner.Parameters;
        SumsLength = planner.SumsLength;
    }

    /// <summary>The most images that a lane holds.</summary>
    public int Images { get; }

    /// <summary>The steps in the order of the forward pass.</summary>
    public List<GradientStep> Steps { get; }

    /// <summary>The steps of the reverse pass.</summary>
    public List<ReverseStep> ReverseSteps { get; } = [];

    /// <summary>The parameters and other sums by name, in the order of their gradients in a lane's sums.</summary>
    public IReadOnlyDictionary<string, ParameterSlot> Parameters { get; }

    /// <summary>The elements of all <see cref="Parameters"/>.</summary>
    public int SumsLength { get; }

    /// <summary>The inputs of a part of a model, and where they go.</summary>
    public IReadOnlyList<(Node Node, ArenaMatrix Place)> Inputs { get; }

    /// <summary>The graph's output.</summary>
    public ArenaMatrix Output { get; }

    /// <summary>Where the gradient of the loss with respect to <see cref="Output"/> goes.</summary>
    public ArenaMatrix OutputGradient { get; }

    /// <summary>The memory of a lane.</summary>
    public ArenaLayout Layout { get; }

    /// <summary>What is kept of the inputs of linear and convolutional layers for the reverse pass; layers may share a block.</summary>
    public IReadOnlyList<(string Layer, ArenaBlock Block)> KeptInputs { get; }

    /// <summary>The elements of a lane's scratch memory.</summary>
    public int ScratchLength { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (IDisposable step in Steps.OfType<IDisposable>())
            step.Dispose();
    }
}
