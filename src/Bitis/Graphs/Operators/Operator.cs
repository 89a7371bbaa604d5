using System.Text.Json.Serialization;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>A pure function of tensors and parameters.</summary>
/// <remarks>
/// Shapes in a graph describe one image. The tensors of <see cref="Forward"/> have the batch as an additional outermost
/// dimension. The forward pass here is the oracle of the tests: plain float32 in the order of the formula, written to
/// be read. Fast forms are in <c>Kernels</c>.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Add), "add")]
[JsonDerivedType(typeof(AddEmbedding), "add_embedding")]
[JsonDerivedType(typeof(ArrangeTokens), "arrange_tokens")]
[JsonDerivedType(typeof(Attention), "attention")]
[JsonDerivedType(typeof(BatchNorm), "batch_norm")]
[JsonDerivedType(typeof(CausalConv1d), "causal_conv1d")]
[JsonDerivedType(typeof(ConcatChannels), "concat_channels")]
[JsonDerivedType(typeof(Conv2d), "conv2d")]
[JsonDerivedType(typeof(DepthwiseConv2d), "depthwise_conv2d")]
[JsonDerivedType(typeof(FlattenSpatial), "flatten_spatial")]
[JsonDerivedType(typeof(GatedSum), "gated_sum")]
[JsonDerivedType(typeof(Gelu), "gelu")]
[JsonDerivedType(typeof(GridConv2d), "grid_conv2d")]
[JsonDerivedType(typeof(GridPool), "grid_pool")]
[JsonDerivedType(typeof(GridResize), "grid_resize")]
[JsonDerivedType(typeof(GroupNorm), "group_norm")]
[JsonDerivedType(typeof(InsertToken), "insert_token")]
[JsonDerivedType(typeof(LayerNorm), "layer_norm")]
[JsonDerivedType(typeof(Linear), "linear")]
[JsonDerivedType(typeof(MeanOfNorms), "mean_of_norms")]
[JsonDerivedType(typeof(MeanTokens), "mean_tokens")]
[JsonDerivedType(typeof(MergePatches), "merge_patches")]
[JsonDerivedType(typeof(Multiply), "multiply")]
[JsonDerivedType(typeof(Relu), "relu")]
[JsonDerivedType(typeof(ReverseTokens), "reverse_tokens")]
[JsonDerivedType(typeof(RmsNorm), "rms_norm")]
[JsonDerivedType(typeof(RotaryPositions), "rotary_positions")]
[JsonDerivedType(typeof(Scale), "scale")]
[JsonDerivedType(typeof(SelectToken), "select_token")]
[JsonDerivedType(typeof(SelectiveScan), "selective_scan")]
[JsonDerivedType(typeof(Sigmoid), "sigmoid")]
[JsonDerivedType(typeof(Silu), "silu")]
[JsonDerivedType(typeof(SliceChannels), "slice_channels")]
[JsonDerivedType(typeof(Softplus), "softplus")]
internal abstract record Operator
{
    /// <summary>The operator's name in files and reports: <c>linear</c>, <c>selective_scan</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The parameters, in the order in which <see cref="Forward"/> takes them.</summary>
    internal virtual IReadOnlyList<ParameterSpec> Parameters => [];

    /// <summary>The output's shape for one image.</summary>
    /// <param name="inputs">The inputs' shapes, without the batch.</param>
    /// <exception cref="ArgumentException">The inputs do not fit the operator.</exception>
    public abstract Shape OutputShape(ReadOnlySpan<Shape> inputs);

    /// <summary>Computes the output of a batch.</summary>
    /// <param name="inputs">The inputs, each <c>[batch, ...]</c>; none is changed.</param>
    /// <param name="parameters">One tensor for each of <see cref="Parameters"/>, in that order.</param>
    /// <returns>A new tensor, or a view of an input where the operator only renames dimensions.</returns>
    public abstract FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters);

    /// <summary>What the order of tokens means to the operator.</summary>
    internal virtual TokenOrderUse OrderUse => TokenOrderUse.Positional;

    /// <summary>Whether an input may be read through an index map: its rows lie elsewhere, in any order.</summary>
    /// <param name="input">The index of the input.</param>
    internal virtual bool TakesIndexMap(int input) => false;

    /// <summary>Whether the output is the sum of the inputs, so that its gradient is theirs.</summary>
    internal virtual bool IsSum => false;

    /// <summary>The product of a linear or convolutional layer; null for other operators.</summary>
    internal virtual LayerProduct? Product => null;

    /// <summary>The same layer with another number of outputs; null for all but fully connected layers.</summary>
    internal virtual Operator? WithOutputs(int outputs) => null;

    /// <summary>The same layer with a bias after the weights; null if there is no such layer.</summary>
    /// <remarks>The rows of the weights and of the bias are the output's channels.</remarks>
    internal virtual Operator? WithBias => null;

    /// <summary>The finest scales that the input of a quantized layer can have.</summary>
    internal virtual InputScales FinestScales => InputScales.None;

    /// <summary>The size of a selective scan; null for other operators.</summary>
    internal virtual ScanSize? ScanSize => null;

    /// <summary>Whether a quantized scan also computes this operator, where its output is the scan's step Δ.</summary>
    internal virtual bool IsPartOfQuantizedScan => false;

    /// <summary>
    /// Whether the output counts as a scan's output if an input does, such as after a gate or scaling.
    /// </summary>
    internal virtual bool PassesScanOn => true;

    /// <summary>Whether the value comes from outside of the graph.</summary>
    internal virtual bool IsInput => false;

    /// <summary>Whether the parameters can take factors of the output's channels instead.</summary>
    /// <remarks>Then the rows of each parameter are multiplied, one row for each channel.</remarks>
    internal virtual bool TakesOutputFactors => false;

    /// <summary>How the output's rows lie on the image. The default is as those of the first input.</summary>
    /// <param name="inputs">The shapes of the inputs, and how their rows lie.</param>
    /// <param name="rows">The rows of the output.</param>
    internal virtual GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        inputs.Count > 0 && inputs[0].Layout.Rows == rows ? inputs[0].Layout : GridLayout.None(rows);

    /// <summary>The places of a grid that the output's tokens show; null if they show none.</summary>
    /// <remarks>By default, those of the first input with as many tokens.</remarks>
    /// <param name="inputs">The shapes of the inputs, and the places of their tokens.</param>
    /// <param name="output">The output's shape.</param>
    internal virtual TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        inputs.Select(input => input.Places).FirstOrDefault(
            places => output.Rank == 2 && places?.Places.Count == output[0]);

    /// <summary>Throws unless the condition holds; for <see cref="OutputShape"/>.</summary>
    protected void Require(bool condition, ReadOnlySpan<Shape> inputs, string expected)
    {
        if (condition)
            return;
        string found = inputs.IsEmpty
            ? "nothing"
            : string.Join(", ", inputs.ToArray().Select(shape => shape.ToString()));
        throw new ArgumentException($"{Kind} takes {expected}, not {found}.", nameof(inputs));
    }

    /// <summary>The longest side of a grid or kernel, so that its square is an int.</summary>
    protected const int MaxSide = 46_340;

    /// <summary>
    /// Throws unless a setting of the operator lies between two bounds; for <see cref="OutputShape"/>.
    /// </summary>
    protected void RequireSetting(string name, int value, int low, int high = int.MaxValue)
    {
        if (value < low || value > high)
        {
            throw new ArgumentException(
                $"{Kind} cannot have {value} as {name}: expected {low} to {high}.", nameof(value));
        }
    }

    /// <summary>Throws unless a setting is a valid ε of a normalization; for <see cref="OutputShape"/>.</summary>
    protected void RequireEpsilon(float epsilon)
    {
        if (!(epsilon > 0 && float.IsFinite(epsilon)))
        {
            throw new ArgumentException(
                $"{Kind} cannot have {epsilon} as epsilon: expected a positive number.", nameof(epsilon));
        }
    }

    /// <summary>A product of sizes; for <see cref="OutputShape"/>.</summary>
    /// <exception cref="ArgumentException">The product exceeds the range of int.</exception>
    protected int SizeProduct(int left, int right) => (long)left * right is >= 0 and <= int.MaxValue and var product
        ? (int)product
        : throw new ArgumentException($"{Kind}: {left} × {right} is too large for a tensor's dimension.", nameof(left));

    /// <summary>
    /// The output's height or width of a convolution for an input's; 0 or less where the kernel does not fit.
    /// </summary>
    internal static int ConvolvedSize(int size, int kernel, int stride, int padding)
    {
        long range = size + (2L * padding) - kernel;
        return range < 0 ? 0 : (int)Math.Min((range / stride) + 1, int.MaxValue);
    }
}
