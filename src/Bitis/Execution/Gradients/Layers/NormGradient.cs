using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>RMSNorm or LayerNorm of each token; see <see cref="RowNormGradient"/>.</summary>
internal sealed unsafe class NormGradient(Node node, float epsilon, bool hasBias) : OperationGradient
{
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(node, 0);
        _bias = hasBias ? planner.Parameter(node, 1) : null;
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        RowNormCall call = Call(microBatch);
        RowNorm.Run(in call, 0, microBatch.Rows(_x));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        var call = new RowNormGradientCall
        {
            Forward = Call(microBatch),
            Gradients = microBatch.Gradients(_yGradient, _xGradient, _weight, _bias),
        };
        RowNormGradient.Run(in call, 0, microBatch.Rows(_x));
    }

    private RowNormCall Call(MicroBatch microBatch) =>
        NormOperation.Call(microBatch.Addresses, _x, _y, _weight.Weight, _bias?.Weight, epsilon);
}
