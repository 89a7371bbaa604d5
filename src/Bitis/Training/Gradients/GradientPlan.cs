using Bitis.Graphs;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>The steps of a graph with their places in a lane's arena.</summary>
internal sealed class GradientPlan : IDisposable
{
    /// <summary>Plans a graph.</summary>
    /// <param name="graph">The model; its output is the logits.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images that a lane holds.</param>
    public GradientPlan(Graph graph, IReadOnlyDictionary<string, Tensor> weights, int images)
    {
        int offset = 0;
        foreach ((string name, Shape shape) in graph.Parameters)
        {
            var slot = new ParameterSlot(weights[name], new Tensor(shape), offset);
            Parameters.Add(name, slot);
            offset = checked(offset + slot.Gradient.Length);
        }
        ParameterLength = offset;

        Steps = GradientCompiler.Compile(graph);
        var planner = new GradientPlanner(graph, Parameters, images);
        for (int i = 0; i < Steps.Count; i++, planner.Time++)
            Steps[i].PlanForward(planner);
        Logits = planner.Value(graph.Output);
        LogitsGradient = planner.Target(graph.Output)!.Value.Matrix;
        planner.Time++;
        for (int i = Steps.Count - 1; i >= 0; i--, planner.Time++)
            Steps[i].PlanBackward(planner);
        ArenaBytes = planner.Place();
        ScratchLength = planner.ScratchLength;
    }

    /// <summary>The steps in the order of the forward pass.</summary>
    public List<GradientStep> Steps { get; }

    /// <summary>The parameters by name, in the order of their gradients in a lane's sums.</summary>
    public Dictionary<string, ParameterSlot> Parameters { get; } = [];

    /// <summary>The elements of all parameters.</summary>
    public int ParameterLength { get; }

    /// <summary>The graph's output, one row an image.</summary>
    public ArenaMatrix Logits { get; }

    /// <summary>Where the gradient of the loss with respect to <see cref="Logits"/> goes.</summary>
    public ArenaMatrix LogitsGradient { get; }

    /// <summary>The bytes of a lane's arena.</summary>
    public long ArenaBytes { get; }

    /// <summary>The elements of a lane's scratch memory.</summary>
    public int ScratchLength { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (IDisposable step in Steps.OfType<IDisposable>())
            step.Dispose();
    }
}
