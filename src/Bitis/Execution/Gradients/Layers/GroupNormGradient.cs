using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>Group normalization, image by image; the statistics of the groups are kept.</summary>
internal sealed unsafe class GroupNormGradient(Node node) : OperationGradient
{
    private readonly GroupNorm _norm = (GroupNorm)node.Operator;
    private ParameterSlot _weight = null!, _bias = null!;
    private ArenaMatrix _x, _y, _yGradient, _statistics;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(node, 0);
        _bias = planner.Parameter(node, 1);
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
        _statistics = planner.NewMatrix(2, _norm.Channels);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        planner.Keep(_statistics);
        planner.NeedScratch(2 * _norm.Channels);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
            GroupNormalization.Run(Call(microBatch, image));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            GroupNormalizationGradient.Run(new GroupNormalizationGradientCall
            {
                Forward = Call(microBatch, image),
                Gradients = microBatch.Gradients(_yGradient, _xGradient, _weight, _bias, image),
                Sums = microBatch.Scratch,
            });
        }
    }

    private GroupNormalizationCall Call(MicroBatch microBatch, int image) => GroupNormOperation.Call(
        microBatch.Addresses, _norm, _x.OfImage(image), _y.OfImage(image), _statistics.OfImage(image), _weight.Weight,
            _bias.Weight);
}
