using Bitis.Execution.Compiled.Grids;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;

namespace Bitis.Execution.Operations.Grids;

/// <summary>The interpolation of a grid of tokens, with the sum after it.</summary>
/// <remarks>Line by line, its values become levels at once if only a convolution in integers reads them.</remarks>
/// <param name="node">The interpolation.</param>
/// <param name="sum">The sum; null if there is none.</param>
internal sealed class GridResizeOperation(Node node, Node? sum)
    : ReferenceOperation(node, () => new GridResizeGradient(node))
{
    private readonly Node _node = node;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        var resize = (GridResize)_node.Operator;
        ArenaMatrix x = plan.Value(_node.Inputs[0]), y;
        if (sum is null && plan.OnlyReader(_node) is { } reader)
        {
            y = plan.Allocate(_node);
            LevelMatrix levels = plan.SetLevels(_node);
            var writer = new CompiledGridResize(_node.Name, resize, x, added: null, y);
            plan.Add(
                new CompiledQuantize(
                    _node.Name, y, levels.Block, levels.Stride, new TokenParameterBuffers(reader, isReversed: false),
                    reader.MaxLevel, writer),
                [x], [y], levels.Block);
            return;
        }
        if (sum is null)
        {
            y = plan.Allocate(_node);
            plan.Add(new CompiledGridResize(_node.Name, resize, x, added: null, y), [x], [y]);
            plan.SetValue(_node, y);
            return;
        }
        Node other = sum.Inputs.Single(input => input != _node);
        ArenaMatrix added = plan.Value(other);
        y = plan.PlaceOver(other, sum);
        plan.Add(new CompiledGridResize(sum.Name, resize, x, added, y), [x, added], [y]);
        plan.SetValue(sum, y);
    }
}
