using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>
/// Decides where values and gradients lie in a lane's arena. Values and gradients share one timeline (all forward steps,
/// then all reverse steps), so a gradient takes the place of a value that nobody needs any more. Slices and reversals of
/// tokens are views; a sum's gradient is, without a copy, the gradient of each term that is used nowhere else.
/// </summary>
internal sealed class GradientPlanner
{
    private readonly Dictionary<Node, ArenaMatrix> _values = [];
    private readonly Dictionary<Node, ArenaMatrix> _gradients = [];
    private readonly Dictionary<ArenaBlock, List<(int Start, int End)>> _written = [];
    private readonly List<ArenaBlock> _blocks = [];
    private readonly Dictionary<string, ParameterSlot> _parameters = [];
    private readonly List<CompressedInput> _compressed = [];
    private readonly Dictionary<(Node Input, long Bytes), CompressedInput> _shared = [];
    private readonly HashSet<Node> _leaving = [];
    private readonly Dictionary<Node, (GradientStep Step, ArenaMatrix Input)> _repeatable = [];
    private readonly List<ReverseStep> _repeated = [];
    private readonly List<(string Layer, Func<ArenaBlock> Block)> _keptInputs = [];
    private readonly ILookup<Node, Node> _users;
    private readonly int _images;

    /// <summary>Starts a plan.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images that a lane holds.</param>
    public GradientPlanner(Graph graph, IReadOnlyDictionary<string, Tensor> weights, int images)
    {
        foreach ((string name, Shape shape) in graph.Parameters)
            AddSlot(name, weights[name], shape);
        _images = images;
        _users = graph.Nodes.SelectMany(node => node.Inputs, (user, used) => (user, used)).ToLookup(pair => pair.used, pair => pair.user);
    }

    /// <summary>The step on the timeline that is being planned.</summary>
    public int Time { get; set; }

    /// <summary>Whether nobody needs the gradients of the model's parameters: only scales are learned.</summary>
    public bool AreParametersFrozen { get; init; }

    /// <summary>Which layers do not learn; null if all of them do.</summary>
    public FrozenLayers? Frozen { get; init; }

    /// <summary>Whether the reverse pass computes cheap values again instead of keeping them: where inputs are kept compressed, to save memory.</summary>
    public bool Repeats { get; init; }

    /// <summary>The most images that a lane holds.</summary>
    public int Images => _images;

    /// <summary>The elements of scratch memory that the hungriest step needs.</summary>
    public int ScratchLength { get; private set; }

    /// <summary>The parameters and other sums by name.</summary>
    public IReadOnlyDictionary<string, ParameterSlot> Parameters => _parameters;

    /// <summary>The elements of all <see cref="Parameters"/>.</summary>
    public int SumsLength { get; private set; }

    /// <summary>The only user of a value; null if there are none or several.</summary>
    public Node? OnlyUser(Node node) => _users[node].Count() == 1 ? _users[node].First() : null;

    /// <summary>A parameter of a node.</summary>
    public ParameterSlot Parameter(Node node, int index) => _parameters[node.ParameterNames[index]];

    /// <summary>Whether nobody needs the gradients of a node's parameters.</summary>
    public bool IsFrozen(Node node) => AreParametersFrozen || Frozen?.IsFrozen(node) == true;

    /// <summary>Room among the gradients for sums over all images of something else that a step computes.</summary>
    public ParameterSlot NewSums(string name, int length) => AddSlot(name, new Tensor([length]), [length]);

    /// <summary>Where a value lies that the planned step reads.</summary>
    public ArenaMatrix Value(Node node)
    {
        if (!_values.TryGetValue(node, out ArenaMatrix matrix))
        {
            matrix = node.Operator switch
            {
                SliceChannels slice => Value(node.Inputs[0]).Slice(slice.Start, slice.Length),
                ReverseTokens => Value(node.Inputs[0]).Reverse(),
                _ => throw new InvalidOperationException($"'{node.Name}' has no value yet."),
            };
            _values.Add(node, matrix);
        }
        matrix.Block.Touch(Time);
        return matrix;
    }

    /// <summary>Memory for a value that the planned step computes.</summary>
    /// <param name="node">The value.</param>
    /// <param name="isReversed">Whether its tokens lie in the opposite order.</param>
    public ArenaMatrix NewValue(Node node, bool isReversed = false)
    {
        ArenaMatrix matrix = NewMatrix(RowsOf(node.Shape), node.Shape[^1], isReversed);
        _values.Add(node, matrix);
        return matrix;
    }

    /// <summary>As <see cref="NewValue"/>, for a step that can compute the value again at little cost.</summary>
    /// <param name="node">The value.</param>
    /// <param name="input">What it is computed from, in the same order of tokens.</param>
    /// <param name="step">The step.</param>
    public ArenaMatrix NewRepeatableValue(Node node, ArenaMatrix input, GradientStep step)
    {
        _repeatable.Add(node, (step, input));
        return NewValue(node, input.IsReversed);
    }

    /// <summary>
    /// Where a value lies that the planned reverse step reads: where the forward pass left it, or where it is computed again
    /// before the step, if that saves its memory. Only the step that reads it first in the reverse pass may ask.
    /// </summary>
    /// <param name="node">The value.</param>
    /// <param name="reader">The node that reads it.</param>
    public ArenaMatrix RepeatedValue(Node node, Node reader)
    {
        if (!Repeats || !_repeatable.TryGetValue(node, out (GradientStep Step, ArenaMatrix Input) source) || _users[node].Any(user => user != reader && !_leaving.Contains(user)))
            return Value(node);
        ArenaMatrix original = _values[node], place = NewMatrix(original.Rows, original.Columns, original.IsReversed);
        Keep(source.Input);
        _repeated.Add(new ReverseStep(source.Step, place));
        return place;
    }

    /// <summary>The values that are computed again before the step that was planned last.</summary>
    public IReadOnlyList<ReverseStep> TakeRepeated()
    {
        ReverseStep[] repeated = [.. _repeated];
        _repeated.Clear();
        return repeated;
    }

    /// <summary>A value that the planned step computes in the memory of its input.</summary>
    public ArenaMatrix ReplaceValue(Node node, Node input)
    {
        ArenaMatrix matrix = Value(input);
        _values.Add(node, matrix);
        return matrix;
    }

    /// <summary>Memory for anything of a fixed size per image.</summary>
    public ArenaMatrix NewMatrix(int rows, int columns, bool isReversed = false)
    {
        var block = new ArenaBlock((long)rows * columns * sizeof(float) * _images);
        block.Touch(Time);
        _blocks.Add(block);
        return new ArenaMatrix(block, Start: 0, rows, columns, columns, isReversed);
    }

    /// <summary>Keeps a matrix alive up to the planned step.</summary>
    public ArenaMatrix Keep(ArenaMatrix matrix)
    {
        matrix.Block.Touch(Time);
        return matrix;
    }

    /// <summary>Memory for a compressed copy of a layer's input; see <see cref="CompressedInput"/>.</summary>
    /// <param name="layer">The layer, whose forward step is being planned.</param>
    /// <param name="value">Its input.</param>
    /// <param name="bytes">The bytes of the copy, for all images of a lane.</param>
    public CompressedInput CompressInput(Node layer, ArenaMatrix value, long bytes)
    {
        var block = new ArenaBlock(bytes);
        _blocks.Add(block);
        var input = new CompressedInput(layer, block, value.Block, Time);
        _compressed.Add(input);
        LeaveInput(layer);
        _keptInputs.Add((layer.Name, () => input.Kept));
        return input;
    }

    /// <summary>As <see cref="CompressInput"/>, for a copy that depends on the input and its length alone: layers with the same input share it.</summary>
    /// <param name="layer">The layer, whose forward step is being planned.</param>
    /// <param name="value">Its input.</param>
    /// <param name="bytes">The bytes of the copy, for all images of a lane.</param>
    public CompressedInput ShareCompressedInput(Node layer, ArenaMatrix value, long bytes)
    {
        if (!_shared.TryGetValue((layer.Inputs[0], bytes), out CompressedInput? input))
            return _shared[(layer.Inputs[0], bytes)] = CompressInput(layer, value, bytes);
        LeaveInput(layer);
        _keptInputs.Add((layer.Name, () => input.Kept));
        return input;
    }

    /// <summary>Notes, in the forward pass, that a layer does not read its input in the reverse pass, or a compressed copy only.</summary>
    public void LeaveInput(Node layer) => _leaving.Add(layer);

    /// <summary>Keeps the input of a linear or convolutional layer as it is, up to the planned step.</summary>
    public void KeepInput(Node layer, ArenaMatrix value)
    {
        Keep(value);
        _keptInputs.Add((layer.Name, () => value.Block));
    }

    /// <summary>What is kept of the inputs of linear and convolutional layers, once everything is placed; layers may share a block.</summary>
    public IReadOnlyList<(string Layer, ArenaBlock Block)> KeptInputs => [.. _keptInputs.Select(kept => (kept.Layer, kept.Block()))];

    /// <summary>Asks for scratch memory, in elements.</summary>
    public void NeedScratch(int length) => ScratchLength = Math.Max(ScratchLength, length);

    /// <summary>Where the gradient of a value lies, which all users of the value have written.</summary>
    /// <exception cref="InvalidOperationException">Nobody used the whole value.</exception>
    public ArenaMatrix Gradient(Node node)
    {
        ArenaMatrix matrix = GradientOf(node);
        if (!IsWritten(matrix))
            throw new InvalidOperationException($"A part of '{node.Name}' is not used; its gradient is unknown.");
        return Keep(matrix);
    }

    /// <summary>Where the planned step writes the gradient of an input; null if nobody needs it: an input of the graph, or a value below all that learns.</summary>
    public GradientTarget? Target(Node node) =>
        node.Operator is Input || Frozen?.IsDifferentiated(node) == false ? null : RequiredTarget(node);

    /// <summary>Where the planned step writes the gradient of an input that it cannot leave out, whether anybody needs it or not.</summary>
    public GradientTarget RequiredTarget(Node node)
    {
        ArenaMatrix matrix = Keep(GradientOf(node));
        bool accumulate = IsWritten(matrix);
        if (!accumulate)
            _written[matrix.Block].Add((matrix.Start, matrix.Start + matrix.Columns));
        return new GradientTarget(matrix, accumulate);
    }

    /// <summary>Whether the gradient of a value is that of its only user, in the same memory.</summary>
    public bool SharesGradient(Node node) =>
        OnlyUser(node) is { Operator: Add or Scale or AddEmbedding } user
        && user.Inputs.Count(input => input == node) == 1
        && !IsViewOfShared(node)
        && !(user.Operator is Scale && SharesGradient(user)); // a product changes the gradient that a sum's other term has, too

    /// <summary>Places everything.</summary>
    /// <param name="forwardEnd">The time after the last forward step.</param>
    /// <returns>A lane's memory.</returns>
    public ArenaLayout Place(int forwardEnd)
    {
        // A value that only low-bit layers need is free after the forward pass: none of these decisions changes another one.
        _compressed.ForEach(input => input.Decide(forwardEnd));
        return ArenaPlanner.Place(_blocks);
    }

    private ParameterSlot AddSlot(string name, Tensor weight, Shape shape)
    {
        var slot = new ParameterSlot(weight, new Tensor(shape), SumsLength);
        _parameters.Add(name, slot);
        SumsLength = checked(SumsLength + slot.Gradient.Length);
        return slot;
    }

    /// <summary>Whether a value is a view, and what it shows has other users, whose gradients must meet in one place.</summary>
    private bool IsViewOfShared(Node node) =>
        node.Operator is SliceChannels || (node.Operator is ReverseTokens && OnlyUser(node.Inputs[0]) is null);

    /// <summary>The rows of a value: all dimensions but the innermost.</summary>
    private static int RowsOf(Shape shape) => (int)(shape.ElementCount / shape[^1]);

    private ArenaMatrix GradientOf(Node node)
    {
        if (_gradients.TryGetValue(node, out ArenaMatrix matrix))
            return matrix;
        if (SharesGradient(node))
            matrix = GradientOf(OnlyUser(node)!);
        else if (OnlyUser(node) is { Operator: ReverseTokens } reversed)
            matrix = GradientOf(reversed).Reverse();
        else if (node.Operator is SliceChannels slice)
            matrix = GradientOf(node.Inputs[0]).Slice(slice.Start, slice.Length);
        else if (node.Operator is ReverseTokens && OnlyUser(node.Inputs[0]) is null)
            matrix = GradientOf(node.Inputs[0]).Reverse();
        else
            matrix = NewGradient(node);
        _gradients.Add(node, matrix);
        return matrix;
    }

    private ArenaMatrix NewGradient(Node node)
    {
        ArenaMatrix value = _values[node];
        ArenaMatrix matrix = NewMatrix(value.Rows, value.Columns, value.IsReversed);
        _written.Add(matrix.Block, []);
        return matrix;
    }

    private bool IsWritten(ArenaMatrix matrix)
    {
        int from = matrix.Start, to = matrix.Start + matrix.Columns, covered = 0;
        foreach ((int start, int end) in _written[matrix.Block])
            covered += Math.Max(0, Math.Min(end, to) - Math.Max(start, from));
        return covered switch
        {
            0 => false,
            _ when covered == matrix.Columns => true,
            _ => throw new InvalidOperationException("Slices of a value overlap in part."),
        };
    }
}
