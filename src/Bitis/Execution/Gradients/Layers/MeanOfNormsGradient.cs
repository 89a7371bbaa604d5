using System.Numerics.Tensors;
using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>
/// The mean of each sequence's normalized tokens: each token has a part of the mean's gradient; see
/// <see cref="RowNormGradient"/>.
/// </summary>
internal sealed unsafe class MeanOfNormsGradient(Node node) : OperationGradient
{
    private readonly float _epsilon = ((MeanOfNorms)node.Operator).Epsilon;
    private ParameterSlot _weight = null!, _bias = null!;
    private ArenaMatrix[] _x = [];
    private ArenaMatrix _y, _yGradient;
    private GradientTarget[] _xGradients = [];

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(node, 0);
        _bias = planner.Parameter(node, 1);
        _x = [.. node.Inputs.Select(planner.Value)];
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        foreach (Node input in node.Inputs)
            planner.Value(input);
        planner.NeedScratch(_y.Columns);
        _yGradient = planner.Gradient(node);
        _xGradients = [.. node.Inputs.Select(input => planner.RequiredTarget(input))];
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            float* mean = microBatch.Pointer(_y) + ((nint)row * _y.Stride);
            MeanOfRowNorms.Run(MeanOfNormsOperation.Call(
                microBatch.Addresses, _x[row % _y.Rows].OfImage(row / _y.Rows), rowMap: null, _weight.Weight,
                    _bias.Weight, _epsilon, mean));
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            ArenaMatrix x = _x[row % _y.Rows];
            GradientTarget target = _xGradients[row % _y.Rows];
            var part = new Span<float>(microBatch.Scratch, _y.Columns);
            TensorPrimitives.Divide(microBatch.Row(_yGradient, row), x.Rows, part);
            LayerGradients gradients = microBatch.Gradients(_yGradient, target, _weight, _bias, row / _y.Rows);
            var call = new RowNormGradientCall
            {
                Forward = NormOperation.Call(
                    microBatch.Addresses, x.OfImage(row / _y.Rows), _y, _weight.Weight, _bias.Weight, _epsilon),
                // All tokens have the same gradient.
                Gradients = gradients with { Output = microBatch.Scratch, OutputStride = 0 },
            };
            RowNormGradient.Run(in call, 0, x.Rows);
        }
    }
}
