using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>
/// Tokens in another order, one after the other or several side by side: a copy by an index map; in reverse, each token's gradient
/// goes back to where the token came from. No token goes to two places; those that go nowhere have no gradient.
/// </summary>
internal sealed unsafe class TokenOrderGradient : GradientStep
{
    private readonly Node _node;
    private readonly int[] _sources; // of each token, or part of a token, of the output; -1 for zeros
    private readonly int[] _unused; // tokens that go nowhere
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <summary>Creates the step.</summary>
    /// <param name="node">A node of <see cref="ArrangeTokens"/> or <see cref="MergePatches"/>.</param>
    public TokenOrderGradient(Node node)
    {
        _node = node;
        int tokens = node.Shape[0];
        _sources = node.Operator is ArrangeTokens arrangement
            ? [.. arrangement.Sources]
            : [.. Enumerable.Range(0, tokens * MergePatches.Parts).Select(i =>
                ((MergePatches)node.Operator).Source(i / MergePatches.Parts, i % MergePatches.Parts) ?? -1)];
        _unused = [.. Enumerable.Range(0, node.Inputs[0].Shape[0]).Except(_sources)];
    }

    /// <inheritdoc />
    public override string Kind => _node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(_node.Inputs[0]);
        if (_x.IsReversed)
            throw new NotSupportedException($"The input of '{_node.Name}' lies in reverse.");
        _y = planner.NewValue(_node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.RequiredTarget(_node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            for (int i = 0; i < _sources.Length; i++)
            {
                Span<float> part = Part(lane, _y, image, i);
                if (_sources[i] < 0)
                    part.Clear();
                else
                    lane.Row(_x, (image * _x.Rows) + _sources[i]).CopyTo(part);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            for (int i = 0; i < _unused.Length && !_xGradient.Accumulate; i++)
                lane.Row(_xGradient.Matrix, (image * _x.Rows) + _unused[i]).Clear();
            for (int i = 0; i < _sources.Length; i++)
            {
                if (_sources[i] < 0)
                    continue;
                Span<float> part = Part(lane, _yGradient, image, i), target = lane.Row(_xGradient.Matrix, (image * _x.Rows) + _sources[i]);
                if (_xGradient.Accumulate)
                    TensorPrimitives.Add(target, part, target);
                else
                    part.CopyTo(target);
            }
        }
    }

    /// <summary>A token of the output, or the part of one that was a token of the input.</summary>
    private Span<float> Part(GradientLane lane, ArenaMatrix matrix, int image, int index)
    {
        int parts = _sources.Length / _y.Rows;
        return lane.Row(matrix, (image * _y.Rows) + (index / parts)).Slice(index % parts * _x.Columns, _x.Columns);
    }
}
