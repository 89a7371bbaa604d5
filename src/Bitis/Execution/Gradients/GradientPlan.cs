using Bitis.Execution.LowBit;
using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;

namespace Bitis.Execution.Gradients;

/// <summary>The operations of a graph with their places in a micro-batch's arena.</summary>
internal sealed class GradientPlan : IDisposable
{
    /// <summary>Plans a graph: the operations that its outputs need.</summary>
    /// <param name="graph">The model, or a part of one.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images that a micro-batch holds.</param>
    /// <param name="substitute">
    /// Creates the operations of quantized layers where only their scales are learned; returns null for other
    /// operations.
    /// </param>
    /// <param name="policy">
    /// How the backward pass of linear and convolutional layers is computed; null for exactly.
    /// </param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    /// <exception cref="BitisException">
    /// An operator has no backward form; the message names its node.
    /// </exception>
    public GradientPlan(
        Graph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        int images,
        Func<FusedOperation, OperationGradient?>? substitute = null,
        BackwardPolicy? policy = null,
        FrozenLayers? frozen = null)
    {
        Images = images;
        FusedGraph fused = FusionPass.Run(graph, FusionRules.Training).WithoutDeadOperations();
        var context = new GradientContext(graph, policy ?? BackwardPolicy.Exact, frozen);
        var gradients = new List<(FusedOperation Operation, OperationGradient Gradient)>();
        var differentiated = new HashSet<Node>();
        foreach (FusedOperation operation in fused.Operations)
        {
            OperationGradient? substituted = substitute?.Invoke(operation);
            bool learns = operation.Nodes.Any(
                node => frozen is null ? node.ParameterNames.Count > 0 : frozen.IsDifferentiated(node));
            if (learns || substituted is not null || (frozen is null && operation.Inputs.Any(differentiated.Contains)))
                differentiated.UnionWith(operation.Nodes);
            if ((substituted ?? OperationTable.For(operation).CreateGradient(context)) is { } gradient)
                gradients.Add((operation, gradient));
        }
        Gradients = [.. gradients.Select(entry => entry.Gradient)];
        var planner = new GradientPlanner(fused, weights, images, differentiated)
        {
            AreParametersFrozen = substitute is not null,
            Frozen = frozen,
            Recomputes = Gradients.Any(gradient => gradient.KeepsCompressedInput),
        };
        Inputs = [.. graph.Inputs.Select(node => (node, planner.Value(node)))];
        foreach ((FusedOperation operation, OperationGradient gradient) in gradients)
        {
            Forward.AddRange(
                planner.Plan(operation, new MicroBatchWork(gradient.Kind, gradient.Forward), gradient.PlanForward));
        }

        Outputs = [.. graph.Outputs.Select(planner.Value)];
        OutputGradients = [.. graph.Outputs.Select(output => planner.RequiredTarget(output).Matrix)];
        int forwardEnd = ++planner.Time;
        IEnumerable<(FusedOperation, OperationGradient)> backward = gradients.Where(
            entry => differentiated.Contains(entry.Operation.Main)).Reverse();
        foreach ((FusedOperation operation, OperationGradient gradient) in backward)
        {
            Backward.AddRange(
                planner.Plan(operation, new MicroBatchWork(gradient.Kind, gradient.Backward), gradient.PlanBackward));
        }

        Layout = planner.Place(forwardEnd);
        KeptInputs = planner.KeptInputs;
        ScratchLength = planner.ScratchLength;
        Parameters = planner.Parameters;
        Sums = new FloatTensor([planner.SumsLength]);
        foreach (ParameterGradient parameter in Parameters.Values)
            parameter.Bind(Sums);
    }

    /// <summary>The most images that a micro-batch holds.</summary>
    public int Images { get; }

    /// <summary>The operations, in the order of the forward pass.</summary>
    public IReadOnlyList<OperationGradient> Gradients { get; }

    /// <summary>The work of the forward pass.</summary>
    public List<MicroBatchWork> Forward { get; } = [];

    /// <summary>The work of the backward pass.</summary>
    public List<MicroBatchWork> Backward { get; } = [];

    /// <summary>The parameters and other sums by name.</summary>
    public IReadOnlyDictionary<string, ParameterGradient> Parameters { get; }

    /// <summary>The total of all micro-batches' sums of all <see cref="Parameters"/>, which are parts of it.</summary>
    public FloatTensor Sums { get; }

    /// <summary>
    /// The inputs, each in the caller's memory (<see cref="MicroBatch.Bind"/>): contiguous, one image after the other.
    /// </summary>
    public IReadOnlyList<(Node Node, ArenaMatrix Place)> Inputs { get; }

    /// <summary>The graph's outputs.</summary>
    public IReadOnlyList<ArenaMatrix> Outputs { get; }

    /// <summary>The places of the gradients of the loss with respect to <see cref="Outputs"/>.</summary>
    public IReadOnlyList<ArenaMatrix> OutputGradients { get; }

    /// <summary>The only output, or the first one.</summary>
    public ArenaMatrix Output => Outputs[0];

    /// <summary>The place of the gradient of the loss with respect to <see cref="Output"/>.</summary>
    public ArenaMatrix OutputGradient => OutputGradients[0];

    /// <summary>The memory of a micro-batch.</summary>
    public ArenaLayout Layout { get; }

    /// <summary>
    /// What is kept of the inputs of linear and convolutional layers for the backward pass; layers may share a block.
    /// </summary>
    public IReadOnlyList<(string Layer, ArenaBlock Block)> KeptInputs { get; }

    /// <summary>The elements of a micro-batch's scratch memory.</summary>
    public int ScratchLength { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (IDisposable gradient in Gradients.OfType<IDisposable>())
            gradient.Dispose();
    }
}
