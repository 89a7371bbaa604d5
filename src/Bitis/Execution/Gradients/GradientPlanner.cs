using Bitis.Execution.Operations;
using Bitis.Execution.Operations.Tokens;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients;

/// <summary>Decides where values and gradients lie in a micro-batch's arena.</summary>
/// <remarks>
/// Values and gradients share one timeline: all forward operations, then all backward operations. So a gradient takes
/// the memory of a value that is no longer needed. The gradient of a view is the same view of the gradient of its
/// source. The gradient of a sum is also that of each term that is used nowhere else, without a copy. All users of a
/// value add to its gradient: the first one writes, the others add. Where users of slices overlap in part, or leave
/// channels out, these are cleared first. An operation that can only overwrite writes elsewhere, and its result is
/// added afterwards.
/// </remarks>
internal sealed class GradientPlanner
{
    private readonly Dictionary<Node, ArenaMatrix> _values = [];
    private readonly Dictionary<Node, ArenaMatrix> _copies = [];
    private readonly Dictionary<Node, ArenaMatrix> _gradients = [];
    private readonly Dictionary<ArenaBlock, List<(int Start, int End)>> _written = [];
    private readonly List<ArenaBlock> _blocks = [];
    private readonly Dictionary<string, ParameterGradient> _parameters = [];
    private readonly List<CompressedInput> _compressed = [];
    private readonly Dictionary<(Node Input, long Bytes), CompressedInput> _shared = [];
    private readonly HashSet<Node> _leaving = [];
    private readonly Dictionary<Node, (OperationGradient Gradient, ArenaMatrix Input)> _recomputable = [];
    private readonly HashSet<ArenaBlock> _bound = [];
    private readonly List<MicroBatchWork> _before = [], _after = [];
    private readonly List<(string Layer, Func<ArenaBlock> Block)> _keptInputs = [];
    private readonly FusedGraph _graph;
    private readonly IReadOnlyDictionary<string, FloatTensor> _weights;
    private readonly IReadOnlySet<Node> _differentiated;
    private readonly int _images;
    private string _user = "input";
    private int _sumsLength;

    /// <summary>Starts a plan.</summary>
    /// <param name="graph">The operations; all are needed for the output.</param>
    /// <param name="weights">The parameters, by name.</param>
    /// <param name="images">The most images that a micro-batch holds.</param>
    /// <param name="differentiated">The values that depend on something that learns.</param>
    public GradientPlanner(
        FusedGraph graph, IReadOnlyDictionary<string, FloatTensor> weights, int images,
        IReadOnlySet<Node> differentiated)
    {
        foreach ((string name, Shape shape) in graph.Graph.Parameters)
            _parameters.Add(name, new ParameterGradient(weights[name], shape));
        (_graph, _weights, _images, _differentiated) = (graph, weights, images, differentiated);
    }

    /// <summary>The operation on the timeline that is being planned.</summary>
    public int Time { get; set; }

    /// <summary>
    /// Whether only scales are learned, so that the gradients of the model's parameters are not needed.
    /// </summary>
    public bool AreParametersFrozen { get; init; }

    /// <summary>The layers that do not learn; null if all learn.</summary>
    public FrozenLayers? Frozen { get; init; }

    /// <summary>
    /// Whether the backward pass computes cheap values again to save memory: where inputs are kept compressed.
    /// </summary>
    public bool Recomputes { get; init; }

    /// <summary>The most images that a micro-batch holds.</summary>
    public int Images => _images;

    /// <summary>The most elements of scratch memory that an operation needs.</summary>
    public int ScratchLength { get; private set; }

    /// <summary>The parameters and other sums by name.</summary>
    public IReadOnlyDictionary<string, ParameterGradient> Parameters => _parameters;

    /// <summary>The elements of a micro-batch's sums of all <see cref="Parameters"/>.</summary>
    public int SumsLength => _sumsLength;

    /// <summary>Plans an operation forward or back.</summary>
    /// <param name="operation">The operation that it belongs to.</param>
    /// <param name="work">What it does.</param>
    /// <param name="plan">Claims its memory.</param>
    /// <returns>The operation, with what has to be done before and after it.</returns>
    public IReadOnlyList<MicroBatchWork> Plan(
        FusedOperation operation, MicroBatchWork work, Action<GradientPlanner> plan)
    {
        _user = operation.Main.Name;
        plan(this);
        MicroBatchWork[] all = [.. _before, work, .. _after];
        _before.Clear();
        _after.Clear();
        Time++;
        return all;
    }

    /// <summary>The values of a parameter of a node.</summary>
    public FloatTensor Weight(Node node, int index) => _weights[node.ParameterNames[index]];

    /// <summary>A parameter of a node, whose gradient an operation adds up in the checkpoint's form.</summary>
    public ParameterSlot Parameter(Node node, int index) =>
        _parameters[node.ParameterNames[index]].Slot(form: null, unpack: null, ref _sumsLength);

    /// <summary>A parameter of a node whose gradient an operation sums in a packed form.</summary>
    /// <remarks>Nodes of one kind that share the parameter share the sums.</remarks>
    /// <param name="node">The node.</param>
    /// <param name="index">The index of the parameter.</param>
    /// <param name="unpack">
    /// Brings the gradient into the checkpoint's form, once all micro-batches have run.
    /// </param>
    public ParameterSlot Parameter(Node node, int index, ParameterSlot.Unpacking unpack) =>
        _parameters[node.ParameterNames[index]].Slot(node.Operator.Kind, unpack, ref _sumsLength);

    /// <summary>Whether the gradients of a node's parameters are not needed.</summary>
    public bool IsFrozen(Node node) => AreParametersFrozen || Frozen?.IsFrozen(node) == true;

    /// <summary>Memory among the gradients for other sums over all images that an operation computes.</summary>
    public ParameterSlot NewSums(string name, int length)
    {
        var sums = new ParameterGradient(new FloatTensor([length]), [length]);
        _parameters.Add(name, sums);
        return sums.Slot(form: null, unpack: null, ref _sumsLength);
    }

    /// <summary>The place of a value that the planned operation reads.</summary>
    public ArenaMatrix Value(Node node)
    {
        if (!_values.TryGetValue(node, out ArenaMatrix matrix))
        {
            if (node.IsInput)
            {
                matrix = NewMatrixOf(node);
                _bound.Add(matrix.Block);
            }
            else if (ViewOf(node) is { } view)
            {
                matrix = view.Show(Value(node.Inputs[0]));
            }
            else
            {
                throw new InvalidOperationException($"'{node.Name}' has no value yet.");
            }
            _values.Add(node, matrix);
        }
        return Keep(matrix);
    }

    /// <summary>
    /// As <see cref="Value"/>, for an operation that takes whole maps only: a copy, where the value is a slice.
    /// </summary>
    public ArenaMatrix ContiguousValue(Node node)
    {
        ArenaMatrix value = Value(node);
        if (value.IsContiguous)
            return value;
        if (_copies.TryGetValue(node, out ArenaMatrix copy))
            return Keep(copy);
        _copies.Add(node, copy = NewMatrixOf(node));
        _before.Add(
            new MicroBatchWork(
                "copy", microBatch => Copy(microBatch, value, new GradientTarget(copy, Accumulate: false))));
        return copy;
    }

    /// <summary>Memory for a value that the planned operation computes.</summary>
    public ArenaMatrix NewValue(Node node)
    {
        ArenaMatrix matrix = NewMatrixOf(node);
        _values.Add(node, matrix);
        return matrix;
    }

    /// <summary>As <see cref="NewValue"/>, for an operation that can compute the value again at little cost.</summary>
    /// <param name="node">The value.</param>
    /// <param name="input">The value that it is computed from, in the same order of tokens.</param>
    /// <param name="operation">The operation.</param>
    public ArenaMatrix NewRecomputableValue(Node node, ArenaMatrix input, OperationGradient operation)
    {
        _recomputable.Add(node, (operation, input));
        return NewValue(node);
    }

    /// <summary>A value that the planned backward operation reads, one image after the other.</summary>
    /// <remarks>
    /// It is where the forward pass left it. If it saves memory, it is computed again, in a place for one image. Only
    /// the operation that reads the value first in the backward pass may call this.
    /// </remarks>
    /// <param name="node">The value.</param>
    /// <param name="reader">The main node of the operation that reads it.</param>
    public BackwardValue RecomputedValue(Node node, Node reader)
    {
        bool isRead = _graph.ReadersOf(node).Any(
            operation => operation.Main != reader && !_leaving.Contains(operation.Main));
        if (!Recomputes || isRead
            || !_recomputable.TryGetValue(node, out (OperationGradient Gradient, ArenaMatrix Input) source))
        {
            return new BackwardValue(Value(node), source: null);
        }

        Keep(source.Input);
        return new BackwardValue(NewMatrixOf(node, images: 1), source.Gradient);
    }

    /// <summary>A value that the planned operation computes in the memory of its input.</summary>
    public ArenaMatrix ReplaceValue(Node node, Node input)
    {
        ArenaMatrix matrix = Value(input);
        _values.Add(node, matrix);
        return matrix;
    }

    /// <summary>Memory for anything of a fixed size per image.</summary>
    public ArenaMatrix NewMatrix(int rows, int columns) => NewMatrix(rows, columns, isReversed: false, _images);

    private ArenaMatrix NewMatrixOf(Node node) => NewMatrixOf(node, _images);

    private ArenaMatrix NewMatrixOf(Node node, int images) =>
        NewMatrix(RowsOf(node.Shape), node.Shape[^1], _graph.LayoutOf(node).IsReversed, images);

    private ArenaMatrix NewMatrix(int rows, int columns, bool isReversed, int images)
    {
        var block = new ArenaBlock((long)rows * columns * sizeof(float) * images);
        block.Touch(Time);
        _blocks.Add(block);
        return new ArenaMatrix(block, Start: 0, rows, columns, columns, isReversed);
    }

    /// <summary>Keeps a matrix alive until the planned operation, which uses it.</summary>
    /// <remarks>Checks that the matrix lies inside its memory for all images of a micro-batch.</remarks>
    public ArenaMatrix Keep(ArenaMatrix matrix)
    {
        (matrix with { Rows = matrix.Rows * _images }).RequireInside(_user);
        matrix.Block.Touch(Time);
        return matrix;
    }

    /// <summary>Memory for a compressed copy of a layer's input; see <see cref="CompressedInput"/>.</summary>
    /// <param name="layer">The layer, whose forward operation is being planned.</param>
    /// <param name="value">Its input.</param>
    /// <param name="bytes">The bytes of the copy, for all images of a micro-batch.</param>
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

    /// <summary>As <see cref="CompressInput"/>, but layers with the same input share the copy.</summary>
    /// <remarks>The copy depends on the input and its length alone.</remarks>
    /// <param name="layer">The layer, whose forward operation is being planned.</param>
    /// <param name="value">Its input.</param>
    /// <param name="bytes">The bytes of the copy, for all images of a micro-batch.</param>
    public CompressedInput ShareCompressedInput(Node layer, ArenaMatrix value, long bytes)
    {
        if (!_shared.TryGetValue((layer.Inputs[0], bytes), out CompressedInput? input))
            return _shared[(layer.Inputs[0], bytes)] = CompressInput(layer, value, bytes);
        LeaveInput(layer);
        _keptInputs.Add((layer.Name, () => input.Kept));
        return input;
    }

    /// <summary>Notes that the backward pass of a layer does not read the layer's input.</summary>
    /// <remarks>Called in the forward pass. The backward pass may read a compressed copy.</remarks>
    public void LeaveInput(Node layer) => _leaving.Add(layer);

    /// <summary>Keeps the input of a linear or convolutional layer as it is, up to the planned operation.</summary>
    public void KeepInput(Node layer, ArenaMatrix value)
    {
        Keep(value);
        if (!_bound.Contains(value.Block)) // the image itself is there anyway
            _keptInputs.Add((layer.Name, () => value.Block));
    }

    /// <summary>
    /// What is kept of the inputs of linear and convolutional layers, once everything is placed; layers may share a
    /// block.
    /// </summary>
    public IReadOnlyList<(string Layer, ArenaBlock Block)> KeptInputs =>
        [.. _keptInputs.Select(kept => (kept.Layer, kept.Block()))];

    /// <summary>Asks for scratch memory, in elements.</summary>
    public void NeedScratch(int length) => ScratchLength = Math.Max(ScratchLength, length);

    /// <summary>The place of a value's gradient, which all users of the value have written.</summary>
    public ArenaMatrix Gradient(Node node)
    {
        ArenaMatrix matrix = Keep(GradientOf(node));
        Clear(matrix, GapsIn(matrix));
        return matrix;
    }

    /// <summary>The place where the planned operation writes the gradient of an input.</summary>
    /// <remarks>Null if the value depends on nothing that learns. Then no gradient is needed.</remarks>
    public GradientTarget? Target(Node node) => _differentiated.Contains(node) ? RequiredTarget(node) : null;

    /// <summary>
    /// The place where the planned operation writes the gradient of an input that it always computes.
    /// </summary>
    /// <remarks>There is a place even if the gradient is not needed.</remarks>
    public GradientTarget RequiredTarget(Node node)
    {
        ArenaMatrix matrix = Keep(GradientOf(node));
        List<(int Start, int End)> gaps = GapsIn(matrix);
        if (gaps is [var gap] && gap == (matrix.Start, matrix.Start + matrix.Columns))
        {
            _written[matrix.Block].Add(gap);
            return new GradientTarget(matrix, Accumulate: false);
        }
        Clear(matrix, gaps);
        return new GradientTarget(matrix, Accumulate: true);
    }

    /// <summary>
    /// As <see cref="RequiredTarget"/>, for an operation that can only overwrite. If there are other users, the result
    /// is added after it.
    /// </summary>
    public ArenaMatrix OverwrittenTarget(Node node)
    {
        GradientTarget target = RequiredTarget(node);
        return target.Accumulate ? AddedAfter(node, target) : target.Matrix;
    }

    /// <summary>As <see cref="OverwrittenTarget"/>; null if the gradient is not needed.</summary>
    public ArenaMatrix? OverwrittenTargetIfNeeded(Node node) =>
        _differentiated.Contains(node) ? OverwrittenTarget(node) : null;

    /// <summary>As <see cref="Target"/>, for an operation that writes whole maps only.</summary>
    public GradientTarget? ContiguousTarget(Node node) => Target(node) is not { } target
        ? null
        : target.Matrix.IsContiguous ? target : new GradientTarget(AddedAfter(node, target), Accumulate: false);

    /// <summary>Whether the gradient of a value shares the memory of the gradient of its only user's output.</summary>
    /// <remarks>Then the user may take the value's memory, too.</remarks>
    public bool SharesGradient(Node node) => SharerOf(RootOf(node)) is not null;

    /// <summary>Places all blocks in the arena.</summary>
    /// <param name="forwardEnd">The time after the last forward operation.</param>
    /// <returns>A micro-batch's memory.</returns>
    public ArenaLayout Place(int forwardEnd)
    {
        // A value that only low-bit layers need is free after the forward pass. These decisions do not depend on each
        // other.
        _compressed.ForEach(input => input.Decide(forwardEnd));
        return ArenaPlanner.Place(_blocks, _bound);
    }

    /// <summary>The rows of a value: all dimensions but the innermost.</summary>
    private static int RowsOf(Shape shape) => (int)(shape.ElementCount / shape[^1]);

    private static unsafe void Copy(MicroBatch microBatch, ArenaMatrix source, GradientTarget target) =>
        MatrixSums.Write(
            microBatch.Pointer(source), source.Stride, target, microBatch.Pointer(target.Matrix),
            microBatch.Rows(source));

    private ViewOperation? ViewOf(Node node) =>
        _graph.ProducerOf(node) is ValueView view ? ViewOperation.Of(view) : null;

    /// <summary>The source of a chain of views; the value itself if it is no view.</summary>
    private Node RootOf(Node node)
    {
        while (_graph.ProducerOf(node) is ValueView)
            node = node.Inputs[0];
        return node;
    }

    /// <summary>The output of a value's only user, if the gradients of both share memory; else null.</summary>
    /// <remarks>
    /// This is so where the user passes the gradient on. Views of the whole value may lie between the two. The value
    /// itself is not a view.
    /// </remarks>
    private Node? SharerOf(Node root)
    {
        if (root.IsInput)
            return null;
        Node read = root;
        FusedOperation? reader = _graph.OnlyReaderOf(read);
        while (reader is ValueView { Node: var view } && view.Shape == read.Shape)
            (read, reader) = (view, _graph.OnlyReaderOf(view));
        if (reader is null or ValueView || reader.Nodes.Sum(node => node.Inputs.Count(input => input == read)) > 1)
            return null;
        return OperationTable.For(reader).Passing switch
        {
            GradientPassing.Unchanged => reader.Outputs[0],
            // A product changes the gradient that a sum's other term has, too.
            GradientPassing.Scaled when !SharesGradient(reader.Outputs[0]) => reader.Outputs[0],
            _ => null,
        };
    }

    private ArenaMatrix GradientOf(Node node)
    {
        if (_gradients.TryGetValue(node, out ArenaMatrix matrix))
            return matrix;
        if (ViewOf(node) is { } view)
            matrix = view.Show(GradientOf(node.Inputs[0]));
        else if (SharerOf(node) is { } sharer)
            matrix = GradientOf(sharer) with { IsReversed = _graph.LayoutOf(node).IsReversed };
        else
            _written.Add((matrix = NewMatrixOf(node)).Block, []);
        _gradients.Add(node, matrix);
        return matrix;
    }

    /// <summary>The columns of a gradient that no operation has written yet.</summary>
    private List<(int Start, int End)> GapsIn(ArenaMatrix matrix)
    {
        var gaps = new List<(int Start, int End)>();
        int at = matrix.Start, end = matrix.Start + matrix.Columns;
        foreach (
            (
                int writtenStart,
                int writtenEnd) in _written[matrix.Block].Where(written =>
                    written.End > at).OrderBy(written => written.Start))
        {
            if (writtenStart >= end)
                break;
            if (writtenStart > at)
                gaps.Add((at, writtenStart));
            at = Math.Max(at, writtenEnd);
        }
        if (at < end)
            gaps.Add((at, end));
        return gaps;
    }

    /// <summary>Clears columns of a gradient before the planned operation.</summary>
    private void Clear(ArenaMatrix matrix, List<(int Start, int End)> gaps)
    {
        foreach ((int start, int end) in gaps)
        {
            ArenaMatrix columns = matrix with { Start = start, Columns = end - start };
            _written[matrix.Block].Add((start, end));
            _before.Add(new MicroBatchWork("clear", microBatch =>
            {
                for (int row = 0; row < microBatch.Rows(columns); row++)
                    microBatch.Row(columns, row).Clear();
            }));
        }
    }

    /// <summary>Memory that the planned operation writes. It is added to a target after the operation.</summary>
    private ArenaMatrix AddedAfter(Node node, GradientTarget target)
    {
        ArenaMatrix own = NewMatrixOf(node);
        _after.Add(new MicroBatchWork("add", microBatch => Copy(microBatch, own, target)));
        return own;
    }
}
