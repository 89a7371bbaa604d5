using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Builds a <see cref="Graph"/> node by node; shapes are checked as the nodes are added.</summary>
/// <remarks>
/// Shapes are those of one image: a map is <c>[channels, height, width]</c>, a sequence <c>[tokens, channels]</c>, a
/// vector <c>[channels]</c>. A grid of tokens is a sequence, row by row. A node has the name of its module in the
/// checkpoint. Its parameters are named like the module's (<c>{name}.weight</c>). Where <c>parameters</c> is given, it
/// holds other names for them, in the stated order. Nodes that name the same parameter share it.
/// <para>
/// All methods throw an <see cref="ArgumentException"/> if the input does not fit, the name is taken, or a setting is
/// out of its range. They also do if a parameter of the same name has another shape at another node.
/// </para>
/// </remarks>
public sealed class GraphBuilder
{
    private const float UsualEpsilon = 1e-5f;

    private readonly List<Node> _nodes = [];
    private readonly HashSet<string> _names = [];
    private readonly Dictionary<string, (Shape Shape, string Node)> _parameters = [];

    /// <summary>The operators so far. Equal operators are one object, so their tables exist once.</summary>
    private readonly HashSet<Operator> _operators = [];

    /// <summary>The orders of tokens so far.</summary>
    private readonly List<ArrangeTokens> _arrangements = [];

    /// <summary>Starts a graph whose input is one image.</summary>
    /// <param name="input">The image's shape, <c>[channels, height, width]</c>.</param>
    /// <param name="name">The image's name.</param>
    public GraphBuilder(Shape input, string name = "input") => Input = Add(name, new Input(input), []);

    /// <summary>The image.</summary>
    public Node Input { get; }

    /// <summary>
    /// The block that the nodes added from now on belong to, counted from 0; null outside the backbone's blocks.
    /// </summary>
    /// <remarks>
    /// Recipes quantize the layers inside of blocks and learn scales block by block. A graph without blocks counts as
    /// one block.
    /// </remarks>
    public int? Block { get; set; }

    /// <summary>
    /// A fully connected layer over the channels, <c>y = x·Wᵀ + b</c>: <c>[..., in]</c> to <c>[..., out]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The input.</param>
    /// <param name="outFeatures">The channels of the output.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="parameters">Names for <c>weight [out, in]</c> and <c>bias [out]</c>.</param>
    public Node Linear(
        string name, Node x, int outFeatures, bool hasBias = true, IReadOnlyList<string>? parameters = null) =>
        Add(name, new Linear(ChannelsOf(x), outFeatures, hasBias), [x], parameters);

    /// <summary>
    /// A convolution over a map with square kernels: <c>[in, height, width]</c> to <c>[out, height', width']</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">The channels of the output.</param>
    /// <param name="kernelSize">The side of the kernel, in pixels.</param>
    /// <param name="stride">The distance between kernel positions, in pixels.</param>
    /// <param name="padding">Zeros around the map, in pixels.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="parameters">
    /// Names for <c>weight [out, in, kernelSize, kernelSize]</c> and <c>bias [out]</c>.
    /// </param>
    public Node Conv2d(
        string name, Node x, int outChannels, int kernelSize, int stride = 1, int padding = 0, bool hasBias = true,
        IReadOnlyList<string>? parameters = null) =>
        Add(name, new Conv2d(ChannelsOfMap(x), outChannels, kernelSize, stride, padding, hasBias), [x], parameters);

    /// <summary>
    /// A map as tokens, row by row: <c>[channels, height, width]</c> to <c>[height·width, channels]</c>.
    /// </summary>
    public Node FlattenSpatial(string name, Node x) => Add(name, new FlattenSpatial(), x);

    /// <summary>
    /// A convolution over a grid of tokens, padded with zeros: <c>[height·width, in]</c> to
    /// <c>[height'·width', out]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="height">Rows of the grid.</param>
    /// <param name="width">Columns of the grid.</param>
    /// <param name="outChannels">The channels of the output.</param>
    /// <param name="kernelSize">The side of the square kernel.</param>
    /// <param name="stride">The distance between kernel positions.</param>
    /// <param name="padding">Zeros around the grid.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="parameters">
    /// Names for <c>weight [out, in, kernelSize, kernelSize]</c> and <c>bias [out]</c>.
    /// </param>
    public Node GridConv2d(
        string name, Node x, int height, int width, int outChannels, int kernelSize, int stride = 1, int padding = 0,
        bool hasBias = true, IReadOnlyList<string>? parameters = null) =>
        Add(
            name,
            new GridConv2d(ChannelsOf(x), outChannels, height, width, kernelSize, stride, padding)
            {
                LacksBias = hasBias ? null : true,
            },
            [x],
            parameters);

    /// <summary>
    /// Bilinear interpolation of a grid of tokens without aligned corners: <c>[height·width, channels]</c> to
    /// <c>[outHeight·outWidth, channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="height">Rows of the grid.</param>
    /// <param name="width">Columns of the grid.</param>
    /// <param name="outHeight">Rows of the output's grid.</param>
    /// <param name="outWidth">Columns of the output's grid.</param>
    public Node GridResize(string name, Node x, int height, int width, int outHeight, int outWidth) =>
        Add(name, new GridResize(height, width, outHeight, outWidth), x);

    /// <summary>
    /// Adaptive average pooling of a grid of tokens: <c>[height·width, channels]</c> to <c>[bins², channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="height">Rows of the grid.</param>
    /// <param name="width">Columns of the grid.</param>
    /// <param name="bins">Rows and columns of the output's grid.</param>
    public Node GridPool(string name, Node x, int height, int width, int bins) =>
        Add(name, new GridPool(height, width, bins), x);

    /// <summary>Values side by side: <c>[..., a]</c> and <c>[..., b]</c> to <c>[..., a + b]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="values">The values, at least one.</param>
    public Node ConcatChannels(string name, IReadOnlyList<Node> values) =>
        Add(name, new ConcatChannels(), [.. values]);

    /// <summary>Batch normalization with the statistics of the training. Sessions fold it into a layer.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The input.</param>
    /// <param name="epsilon">Added to the variance before the root.</param>
    /// <param name="parameters">
    /// Names for <c>weight</c>, <c>bias</c>, <c>running_mean</c> and <c>running_var [channels]</c>.
    /// </param>
    public Node BatchNorm(
        string name, Node x, float epsilon = UsualEpsilon, IReadOnlyList<string>? parameters = null) =>
        Add(name, new BatchNorm(ChannelsOf(x), epsilon), [x], parameters);

    /// <summary>
    /// A depthwise convolution over a grid of tokens, <c>[height·width, channels]</c>. Zeros around the grid keep its
    /// size.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="height">Rows of the grid.</param>
    /// <param name="width">Columns of the grid.</param>
    /// <param name="kernelSize">The side of the square kernel; odd.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="parameters">
    /// Names for <c>weight [channels, 1, kernelSize, kernelSize]</c> and for <c>bias [channels]</c>.
    /// </param>
    public Node DepthwiseConv2d(
        string name, Node x, int height, int width, int kernelSize, bool hasBias = true,
        IReadOnlyList<string>? parameters = null) =>
        Add(name, new DepthwiseConv2d(ChannelsOf(x), height, width, kernelSize, hasBias), [x], parameters);

    /// <summary>
    /// A depthwise convolution along the tokens, <c>[tokens, channels]</c>. It sees only past tokens.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="kernelSize">How many tokens the kernel covers.</param>
    /// <param name="parameters">Names for <c>weight [channels, 1, kernel]</c> and <c>bias [channels]</c>.</param>
    public Node CausalConv1d(string name, Node x, int kernelSize, IReadOnlyList<string>? parameters = null) =>
        Add(name, new CausalConv1d(ChannelsOf(x), kernelSize), [x], parameters);

    /// <summary>
    /// The selective state space recurrence, <c>hₜ = exp(Δₜ·A)·hₜ₋₁ + Δₜ·Bₜ·uₜ, yₜ = Cₜ·hₜ + D·uₜ</c> with
    /// <c>A = −exp(A_log)</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="u">The input, <c>[tokens, channels]</c>.</param>
    /// <param name="delta">Δ, after the softplus, <c>[tokens, channels]</c>.</param>
    /// <param name="b">B, <c>[tokens, states]</c>.</param>
    /// <param name="c">C, <c>[tokens, states]</c>.</param>
    /// <param name="parameters">Names for <c>A_log [channels, states]</c> and <c>D [channels]</c>.</param>
    public Node SelectiveScan(
        string name, Node u, Node delta, Node b, Node c, IReadOnlyList<string>? parameters = null) =>
        Add(name, new SelectiveScan(ChannelsOf(u), ChannelsOf(b)), [u, delta, b, c], parameters);

    /// <summary>Layer normalization over the channels.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The input.</param>
    /// <param name="epsilon">Added to the variance before the root.</param>
    /// <param name="parameters">Names for <c>weight</c> and <c>bias [channels]</c>.</param>
    public Node LayerNorm(
        string name, Node x, float epsilon = UsualEpsilon, IReadOnlyList<string>? parameters = null) =>
        Add(name, new LayerNorm(ChannelsOf(x), epsilon), [x], parameters);

    /// <summary>Root mean square normalization over the channels.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The input.</param>
    /// <param name="epsilon">Added to the mean square before the root.</param>
    /// <param name="parameters">A name for <c>weight [channels]</c>.</param>
    public Node RmsNorm(string name, Node x, float epsilon = UsualEpsilon, IReadOnlyList<string>? parameters = null) =>
        Add(name, new RmsNorm(ChannelsOf(x), epsilon), [x], parameters);

    /// <summary>
    /// Group normalization: groups of neighbouring channels over all tokens, <c>[tokens, channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="groups">How many groups there are; divides the channels.</param>
    /// <param name="epsilon">Added to the variance before the root.</param>
    /// <param name="parameters">Names for <c>weight</c> and <c>bias [channels]</c>.</param>
    public Node GroupNorm(
        string name, Node x, int groups, float epsilon = UsualEpsilon, IReadOnlyList<string>? parameters = null) =>
        Add(name, new GroupNorm(ChannelsOf(x), groups, epsilon), [x], parameters);

    /// <summary>
    /// The mean over the tokens of each sequence's layer normalization: <c>[tokens, channels]</c> each to
    /// <c>[sequences, channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="sequences">The sequences, at least one.</param>
    /// <param name="epsilon">Added to the variance before the root.</param>
    /// <param name="parameters">Names for <c>weight</c> and <c>bias [channels]</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no sequence.</exception>
    public Node MeanOfNorms(
        string name,
        IReadOnlyList<Node> sequences,
        float epsilon = UsualEpsilon,
        IReadOnlyList<string>? parameters = null)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        ArgumentOutOfRangeException.ThrowIfZero(sequences.Count, nameof(sequences));
        return Add(name, new MeanOfNorms(ChannelsOf(sequences[0]), epsilon), [.. sequences], parameters);
    }

    /// <summary>The sum of sequences with a gate for each channel, <c>y[t] = Σₖ g[k]·xₖ[t]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="gates">The gates, <c>[sequences, channels]</c>.</param>
    /// <param name="sequences">The sequences, each <c>[tokens, channels]</c>.</param>
    public Node GatedSum(string name, Node gates, IReadOnlyList<Node> sequences) =>
        Add(name, new GatedSum(), [gates, .. sequences]);

    /// <summary>
    /// Multi-head self-attention between its projections: queries, keys and values <c>[tokens, 3·width]</c> to
    /// <c>[tokens, width]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">Queries, keys and values, one after the other in each token.</param>
    /// <param name="heads">How many heads there are; divides the width.</param>
    public Node Attention(string name, Node x, int heads) => Add(name, new Attention(ChannelsOf(x) / 3, heads), x);

    /// <summary>Adds rotary positions (EVA-02): pairs of channels are rotated by angles.</summary>
    /// <remarks>The angles grow with a token's row and column on a square grid.</remarks>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens, <c>[grid², channels]</c>, with a multiple of 4 channels.</param>
    /// <param name="grid">Tokens along one side of the grid.</param>
    /// <param name="baseGrid">The grid on which neighbours are one step apart.</param>
    public Node RotaryPositions(string name, Node x, int grid, int baseGrid) =>
        Add(name, new RotaryPositions(grid, ChannelsOf(x), baseGrid), x);

    /// <summary>Adds a learned embedding, such as positions, <c>[tokens, channels]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="parameter">
    /// The name of <c>embedding [1, tokens, channels]</c>; null for the name <c>{name}.embedding</c>.
    /// </param>
    public Node AddEmbedding(string name, Node x, string? parameter = null) =>
        Add(
            name,
            new AddEmbedding(Sized(x, 2, "[tokens, channels]").Shape[0], ChannelsOf(x)),
            [x],
            parameter is null ? null : [parameter]);

    /// <summary>
    /// Inserts a learned token, the class token: <c>[tokens, channels]</c> to <c>[tokens + 1, channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="position">The token's index in the output.</param>
    /// <param name="parameter">The name of <c>token [1, 1, channels]</c>; null for <c>{name}.token</c>.</param>
    public Node InsertToken(string name, Node x, int position, string? parameter = null) =>
        Add(name, new InsertToken(position, ChannelsOf(x)), [x], parameter is null ? null : [parameter]);

    /// <summary>One token of a sequence: <c>[tokens, channels]</c> to <c>[channels]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="position">The token's index.</param>
    public Node SelectToken(string name, Node x, int position) => Add(name, new SelectToken(position), x);

    /// <summary>The mean over the tokens: <c>[tokens, channels]</c> to <c>[channels]</c>.</summary>
    public Node MeanTokens(string name, Node x) => Add(name, new MeanTokens(), x);

    /// <summary>The tokens from the last to the first.</summary>
    public Node ReverseTokens(string name, Node x) => Add(name, new ReverseTokens(), x);

    /// <summary>Tokens in another order, <c>y[t] = x[order[t]]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="order">
    /// For each token of the output, the index of the input's token, or <see cref="TokenOrder.Zeros"/>; no token twice.
    /// </param>
    public Node ArrangeTokens(string name, Node x, IReadOnlyList<int> order)
    {
        ArgumentNullException.ThrowIfNull(order);
        // The order of a large grid is checked once, however many blocks use it.
        ArrangeTokens? known = _arrangements.Find(one => one.Sources.SequenceEqual(order));
        if (known is null)
            _arrangements.Add(known = new ArrangeTokens(order));
        return Add(name, known, x);
    }

    /// <summary>
    /// Four neighbouring tokens of a grid side by side in one: <c>[height·width, channels]</c> to
    /// <c>[⌈height/2⌉·⌈width/2⌉, 4·channels]</c>.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="height">Rows of the grid.</param>
    /// <param name="width">Columns of the grid.</param>
    public Node MergePatches(string name, Node x, int height, int width) =>
        Add(name, new MergePatches(height, width), x);

    /// <summary>A range of the channels, <c>x[..., start : start + length]</c>.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="x">The input.</param>
    /// <param name="start">The first channel.</param>
    /// <param name="length">How many channels.</param>
    public Node SliceChannels(string name, Node x, int start, int length) =>
        Add(name, new SliceChannels(start, length), x);

    /// <summary>The sum of two values of one shape.</summary>
    public Node Add(string name, Node x, Node y) => Add(name, new Add(), x, y);

    /// <summary>The product of two values of one shape, element by element.</summary>
    public Node Multiply(string name, Node x, Node y) => Add(name, new Multiply(), x, y);

    /// <summary>A value times a constant.</summary>
    public Node Scale(string name, Node x, float factor) => Add(name, new Scale(factor), x);

    /// <summary><c>x·σ(x)</c>.</summary>
    public Node Silu(string name, Node x) => Add(name, new Silu(), x);

    /// <summary><c>x·Φ(x)</c>, with the error function and not its approximation.</summary>
    public Node Gelu(string name, Node x) => Add(name, new Gelu(), x);

    /// <summary><c>max(x, 0)</c>.</summary>
    public Node Relu(string name, Node x) => Add(name, new Relu(), x);

    /// <summary><c>σ(x) = 1 / (1 + e⁻ˣ)</c>.</summary>
    public Node Sigmoid(string name, Node x) => Add(name, new Sigmoid(), x);

    /// <summary><c>ln(1 + eˣ)</c>.</summary>
    public Node Softplus(string name, Node x) => Add(name, new Softplus(), x);

    /// <summary>Finishes the graph.</summary>
    /// <param name="output">The node whose value is the graph's output: the logits.</param>
    public Graph Build(Node output)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Build([output]);
    }

    /// <summary>Finishes a graph with several outputs.</summary>
    /// <param name="outputs">The nodes whose values are the outputs, the main one first.</param>
    internal Graph Build(IReadOnlyList<Node> outputs)
    {
        foreach (Node output in outputs)
            RequireOwn(output, nameof(outputs));
        return new([.. _nodes], outputs);
    }

    /// <summary>Adds a node whose parameters are named <c>{name}.{role}</c>, as a module's are.</summary>
    internal Node Add(string name, Operator op, params ReadOnlySpan<Node> inputs) =>
        Add(name, op, inputs, parameterNames: null);

    /// <summary>Adds a node.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="op">The operator that it applies.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="parameterNames">The names of its parameters; null for <c>{name}.{role}</c>.</param>
    internal Node Add(string name, Operator op, ReadOnlySpan<Node> inputs, IReadOnlyList<string>? parameterNames)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Node[] nodes = inputs.ToArray();
        foreach (Node input in nodes)
            RequireOwn(input, nameof(inputs));
        Shape shape = op.OutputShape(Array.ConvertAll(nodes, node => node.Shape)); // checks the settings first
        parameterNames = parameterNames is null ? ParameterNames(name, op) : [.. parameterNames];
        if (parameterNames.Count != op.Parameters.Count || parameterNames.Any(string.IsNullOrEmpty))
        {
            string roles = string.Join(", ", op.Parameters.Select(spec => spec.Role));
            throw new ArgumentException(
                $"'{name}' needs {op.Parameters.Count} parameter names ({roles}).", nameof(parameterNames));
        }
        RequireTensor(name, shape);
        if (_names.Contains(name))
            throw new ArgumentException($"The graph already has a node named '{name}'.", nameof(name));
        foreach ((string parameter, ParameterSpec spec) in parameterNames.Zip(op.Parameters))
        {
            RequireTensor(parameter, spec.Shape);
            bool isNew = _parameters.TryAdd(parameter, (spec.Shape, name));
            (Shape Shape, string Node) other = _parameters[parameter];
            if (!isNew && other.Shape != spec.Shape)
            {
                throw new ArgumentException(
                    $"The parameter '{parameter}' is {spec.Shape} at '{name}' and {other.Shape} at '{other.Node}'.",
                    nameof(parameterNames));
            }
        }
        if (!_operators.Add(op) && _operators.TryGetValue(op, out Operator? known))
            op = known;
        var added = new Node(_nodes.Count, name, Block, op, nodes, parameterNames, shape);
        _names.Add(name);
        _nodes.Add(added);
        return added;
    }

    /// <summary>The names of a module's parameters, <c>{name}.{role}</c>.</summary>
    internal static IReadOnlyList<string> ParameterNames(string name, Operator op) =>
        [.. op.Parameters.Select(spec => $"{name}.{spec.Role}")];

    private static int ChannelsOf(Node x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Shape.Rank > 0 ? x.Shape[^1] : throw new ArgumentException(
            $"'{x.Name}' is a number, without channels.", nameof(x));
    }

    private static int ChannelsOfMap(Node x) => Sized(x, 3, "[channels, height, width]").Shape[0];

    private static Node Sized(Node x, int rank, string expected)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Shape.Rank == rank ? x : throw new ArgumentException(
            $"'{x.Name}' is {x.Shape}; expected {expected}.", nameof(x));
    }

    private static void RequireTensor(string name, Shape shape)
    {
        if (!FloatTensor.CanHave(shape))
        {
            throw new BitisException(
                $"'{name}' would have the shape {shape}, more than the {FloatTensor.MaxElements} elements that a "
                + "tensor can hold.");
        }
    }

    private void RequireOwn(Node node, string parameter)
    {
        ArgumentNullException.ThrowIfNull(node, parameter);
        if (node.Index >= _nodes.Count || _nodes[node.Index] != node)
            throw new ArgumentException($"'{node.Name}' belongs to another graph.", parameter);
    }
}
