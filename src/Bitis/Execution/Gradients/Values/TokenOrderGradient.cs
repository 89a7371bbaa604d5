using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Values;

/// <summary>Puts tokens in another order or side by side, forward and backward.</summary>
/// <remarks>
/// Forward, this is a copy by an index map. Backward, each token's gradient goes to where the token came from. No token
/// goes to two places. Tokens that go nowhere have no gradient.
/// </remarks>
/// <param name="node">The node.</param>
/// <param name="sources">
/// The token of the input that each token, or part of a token, of the output is; -1 for zeros.
/// </param>
internal sealed unsafe class TokenOrderGradient(Node node, int[] sources) : OperationGradient
{
    // tokens that go nowhere
    private readonly int[] _unused = [.. Enumerable.Range(0, node.Inputs[0].Shape[0]).Except(sources)];
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
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            for (int i = 0; i < sources.Length; i++)
            {
                Span<float> part = Part(microBatch, _y, image, i);
                if (sources[i] < 0)
                    part.Clear();
                else
                    microBatch.Row(_x, (image * _x.Rows) + sources[i]).CopyTo(part);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            for (int i = 0; i < _unused.Length && !_xGradient.Accumulate; i++)
                microBatch.Row(_xGradient.Matrix, (image * _x.Rows) + _unused[i]).Clear();
            for (int i = 0; i < sources.Length; i++)
            {
                if (sources[i] < 0)
                    continue;
                Span<float> part = Part(microBatch, _yGradient, image, i),
                    target = microBatch.Row(_xGradient.Matrix, (image * _x.Rows) + sources[i]);
                if (_xGradient.Accumulate)
                    TensorPrimitives.Add(target, part, target);
                else
                    part.CopyTo(target);
            }
        }
    }

    /// <summary>A token of the output, or the part of one that was a token of the input.</summary>
    private Span<float> Part(MicroBatch microBatch, ArenaMatrix matrix, int image, int index)
    {
        int parts = sources.Length / _y.Rows;
        return microBatch.Row(
            matrix, (image * _y.Rows) + (index / parts)).Slice(index % parts * _x.Columns, _x.Columns);
    }
}
