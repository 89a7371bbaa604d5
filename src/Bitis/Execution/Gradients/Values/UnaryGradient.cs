using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Gradients.Values;

/// <summary>A function of single elements, y = f(x): x̄ = ȳ·f'(x).</summary>
internal sealed unsafe class UnaryGradient(Node node, KernelTable<ElementwiseKernel> forms) : OperationGradient
{
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        planner.NeedScratch(_x.Columns);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        float* x = microBatch.Pointer(_x), y = microBatch.Pointer(_y);
        for (nint row = 0; row < microBatch.Rows(_x); row++)
            forms.Best.Run(x + (row * _x.Stride), y + (row * _y.Stride), _x.Columns);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        float* x = microBatch.Pointer(_x), y = microBatch.Pointer(_yGradient),
            xGradient = microBatch.Pointer(_xGradient.Matrix);
        for (nint row = 0; row < microBatch.Rows(_x); row++)
        {
            float* target = xGradient + (row * _xGradient.Matrix.Stride);
            float* product = _xGradient.Accumulate ? microBatch.Scratch : target;
            forms.Best.Backward(x + (row * _x.Stride), y + (row * _yGradient.Stride), product, _x.Columns);
            if (_xGradient.Accumulate)
            {
                var sum = new Span<float>(target, _x.Columns);
                TensorPrimitives.Add(sum, new ReadOnlySpan<float>(product, _x.Columns), sum);
            }
        }
    }
}
