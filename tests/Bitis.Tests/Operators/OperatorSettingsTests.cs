using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Reconstruction;
using Bitis.Tensors;

namespace Bitis.Tests.Operators;

/// <summary>
/// What an operator cannot compute is refused when the graph is built: both ends of every setting, and inputs that do
/// not fit.
/// </summary>
public sealed class OperatorSettingsTests
{
    private const int Huge = int.MaxValue;

    private static readonly Shape Map = [3, 8, 8], Tokens = [6, 4];

    /// <summary>For each operator a good form with its inputs, and bad ones.</summary>
    private static readonly Dictionary<Type, (
        (Operator Operator, Shape[] Inputs) Good, (Operator Operator, Shape[] Inputs)[] Bad)> Table = new()
        {
            [typeof(Add)] = (
            (new Add(), [Tokens, Tokens]), [(new Add(), [Tokens, [6, 5]]), (new Add(), [Tokens]), (new Add(), [])]),
            [typeof(Multiply)] = (
            (new Multiply(), [Tokens, Tokens]),
            [(new Multiply(), [Tokens, [4, 6]]), (new Multiply(), [Tokens, Tokens, Tokens])]),
            [typeof(AddEmbedding)] = ((new AddEmbedding(6, 4), [Tokens]),
            [
                .. Bad(Tokens, new AddEmbedding(5, 4), new AddEmbedding(6, 3), new AddEmbedding(-6, -4)),
                (new AddEmbedding(0, 4), [[0, 4]]),
                (new AddEmbedding(6, 0), [[6, 0]]),
            ]),
            [typeof(ArrangeTokens)] = ((new ArrangeTokens([5, -1, 0]), [Tokens]),
            Bad(
                Tokens,
                new ArrangeTokens([6]),
                new ArrangeTokens([-2]),
                new ArrangeTokens([1, 1]),
                new ArrangeTokens([Huge]),
                new ArrangeTokens([int.MinValue]),
                new ArrangeTokens([]))),
            [typeof(Attention)] = ((new Attention(4, 2), [[6, 12]]),
            Bad(
                [6, 12],
                new Attention(4, 3),
                new Attention(4, 0),
                new Attention(4, -2),
                new Attention(5, 1),
                new Attention(-4, 2),
                new Attention(1431655769, 1))),
            [typeof(BatchNorm)] = (
            (new BatchNorm(4, 1e-5f), [Tokens]), Norms((channels, epsilon) => new BatchNorm(channels, epsilon))),
            [typeof(ConcatChannels)] = ((new ConcatChannels(), [Tokens, [6, 2]]),
            [
                (new ConcatChannels(), []),
                (new ConcatChannels(), [[]]),
                (new ConcatChannels(), [Tokens, [5, 4]]),
                (new ConcatChannels(), [Tokens, [4]]),
                (new ConcatChannels(), [[1, Huge], [1, Huge], [1, Huge]]),
            ]),
            [typeof(CausalConv1d)] = ((new CausalConv1d(4, 3), [Tokens]),
            [
                .. Bad(
                    Tokens,
                    new CausalConv1d(5, 3),
                    new CausalConv1d(4, 0),
                    new CausalConv1d(4, -1),
                    new CausalConv1d(-4, 3)),
                (new CausalConv1d(0, 3), [[6, 0]]),
            ]),
            [typeof(Conv2d)] = ((new Conv2d(3, 5, 3, 2, 1, true), [Map]), Bad(
            Map,
            new Conv2d(4, 5, 3, 2, 1, true),
            new Conv2d(3, 0, 3, 2, 1, true),
            new Conv2d(3, -5, 3, 2, 1, true),
            new Conv2d(3, 5, 0, 2, 0, true),
            new Conv2d(3, 5, -3, 2, 1, true),
            new Conv2d(3, 5, 9, 2, 0, true),
            new Conv2d(3, 5, 50_000, 2, 49_999, true),
            new Conv2d(3, 5, 3, 0, 1, true),
            new Conv2d(3, 5, 3, -1, 1, true),
            new Conv2d(3, 5, 3, 2, -1, true),
            new Conv2d(3, 5, 3, 2, Huge, true))),
            [typeof(DepthwiseConv2d)] = ((new DepthwiseConv2d(4, 2, 3, 3, true), [Tokens]), Bad(
            Tokens,
            new DepthwiseConv2d(5, 2, 3, 3, true),
            new DepthwiseConv2d(4, 3, 3, 3, true),
            new DepthwiseConv2d(4, -2, -3, 3, true),
            new DepthwiseConv2d(4, 65_536 * 2, 32_769, 3, true), // 6 after an overflow
            new DepthwiseConv2d(4, 2, 3, 2, true),
            new DepthwiseConv2d(4, 2, 3, -1, true),
            new DepthwiseConv2d(4, 2, 3, Huge, true))),
            [typeof(FlattenSpatial)] = (
            (new FlattenSpatial(), [Map]),
            [
                (new FlattenSpatial(), [Tokens]),
                (new FlattenSpatial(), [[1, 65_536, 65_536]]),
                (new FlattenSpatial(), []),
            ]),
            [typeof(GatedSum)] = (
            (new GatedSum(), [[2, 4], Tokens, Tokens]),
            [
                (new GatedSum(), [[3, 4], Tokens, Tokens]),
                (new GatedSum(), [[2, 4], Tokens, [5, 4]]),
                (new GatedSum(), [[0, 4]]),
            ]),
            [typeof(Gelu)] = Unary(new Gelu()),
            [typeof(GridConv2d)] = ((new GridConv2d(4, 5, 2, 3, 3, 2, 1), [Tokens]), Bad(
            Tokens,
            new GridConv2d(5, 5, 2, 3, 3, 2, 1),
            new GridConv2d(4, 0, 2, 3, 3, 2, 1),
            new GridConv2d(4, 5, -2, -3, 3, 2, 1),
            new GridConv2d(4, 5, 65_536 * 2, 32_769, 3, 2, 1),
            new GridConv2d(4, 5, 2, 3, 0, 2, 0),
            new GridConv2d(4, 5, 2, 3, 4, 2, 0),
            new GridConv2d(4, 5, 2, 3, 3, 0, 1),
            new GridConv2d(4, 5, 2, 3, 3, -2, 1),
            new GridConv2d(4, 5, 2, 3, 3, 2, -1))),
            [typeof(GridPool)] = (
            (new GridPool(2, 3, 5), [Tokens]),
            Bad(
                Tokens,
                new GridPool(3, 3, 2), new GridPool(-2, -3, 2), new GridPool(2, 3, 0), new GridPool(2, 3, Huge))),
            [typeof(GridResize)] = ((new GridResize(2, 3, 5, 4), [Tokens]), Bad(
            Tokens,
            new GridResize(3, 3, 5, 4), new GridResize(-2, -3, 5, 4), new GridResize(2, 3, 0, 4), new GridResize(
                2, 3, 5, Huge))),
            [typeof(GroupNorm)] = ((new GroupNorm(4, 2, 1e-5f), [Tokens]), Bad(
            Tokens,
            new GroupNorm(5, 1, 1e-5f), new GroupNorm(4, 3, 1e-5f), new GroupNorm(4, 0, 1e-5f), new GroupNorm(
                4, -2, 1e-5f), new GroupNorm(4, 2, 0), new GroupNorm(4, 2, float.NaN))),
            [typeof(Input)] = ((new Input(Map), []), [(new Input([3, 0, 8]), []), (new Input(Map), [Map])]),
            [typeof(InsertToken)] = ((new InsertToken(6, 4), [Tokens]), Bad(
            Tokens, new InsertToken(7, 4), new InsertToken(-1, 4), new InsertToken(
                int.MinValue, 4), new InsertToken(Huge, 4), new InsertToken(0, 5), new InsertToken(0, -4))),
            [typeof(LayerNorm)] = (
            (new LayerNorm(4, 1e-5f), [Tokens]), Norms((channels, epsilon) => new LayerNorm(channels, epsilon))),
            [typeof(Linear)] = ((new Linear(4, 5, true), [Tokens]),
            [
                .. Bad(
                    Tokens,
                    new Linear(5, 5, true),
                    new Linear(4, 0, true),
                    new Linear(4, -1, true),
                    new Linear(-4, 5, true)),
                (new Linear(0, 5, true), [[6, 0]]),
            ]),
            [typeof(MeanOfNorms)] = ((new MeanOfNorms(4, 1e-5f), [Tokens, [3, 4]]),
            [
                .. Norms((channels, epsilon) => new MeanOfNorms(channels, epsilon)),
                (new MeanOfNorms(4, 1e-5f), []),
                (new MeanOfNorms(4, 1e-5f), [Tokens, [0, 4]]),
            ]),
            [typeof(MeanTokens)] = (
            (new MeanTokens(), [Tokens]), [(new MeanTokens(), [[0, 4]]), (new MeanTokens(), [[4]])]),
            [typeof(MergePatches)] = ((new MergePatches(2, 3), [Tokens]),
            [
                .. Bad(Tokens, new MergePatches(3, 3), new MergePatches(-2, -3), new MergePatches(65_536 * 2, 32_769)),
                (new MergePatches(0, 3), [[0, 4]]),
                (new MergePatches(2, 3), [[6, 1 << 30]]),
            ]),
            [typeof(Relu)] = Unary(new Relu()),
            [typeof(ReverseTokens)] = (
            (new ReverseTokens(), [Tokens]), [(new ReverseTokens(), [Map]), (new ReverseTokens(), [])]),
            [typeof(RmsNorm)] = (
            (new RmsNorm(4, 1e-5f), [Tokens]), Norms((channels, epsilon) => new RmsNorm(channels, epsilon))),
            [typeof(RotaryPositions)] = ((new RotaryPositions(2, 4, 14), [[4, 4]]), Bad(
            [4, 4],
            new RotaryPositions(3, 4, 14), new RotaryPositions(-2, 4, 14), new RotaryPositions(
                65_538,
                4,
                14), new RotaryPositions(2, 6, 14), new RotaryPositions(2, 4, 0), new RotaryPositions(2, 0, 14))),
            [typeof(Scale)] = (
            (new Scale(0.5f), [Tokens]),
            Bad(Tokens, new Scale(float.NaN), new Scale(float.PositiveInfinity), new Scale(float.NegativeInfinity))),
            [typeof(SelectToken)] = (
            (new SelectToken(5), [Tokens]),
            Bad(Tokens, new SelectToken(6), new SelectToken(-1), new SelectToken(int.MinValue), new SelectToken(Huge))),
            [typeof(SelectiveScan)] = ((new SelectiveScan(4, 2), [Tokens, Tokens, [6, 2], [6, 2]]),
        [
            (new SelectiveScan(5, 2), [Tokens, Tokens, [6, 2], [6, 2]]),
            (new SelectiveScan(4, 2), [Tokens, Tokens, [6, 2], [6, 3]]),
            (new SelectiveScan(4, 2), [Tokens, [5, 4], [6, 2], [6, 2]]),
            (new SelectiveScan(4, 0), [Tokens, Tokens, [6, 0], [6, 0]]),
            (new SelectiveScan(0, 2), [[6, 0], [6, 0], [6, 2], [6, 2]]),
            (new SelectiveScan(4, -2), [Tokens, Tokens, [6, 2], [6, 2]]),
            (new SelectiveScan(4, 2), [Tokens, Tokens]),
        ]),
            [typeof(Sigmoid)] = Unary(new Sigmoid()),
            [typeof(Silu)] = Unary(new Silu()),
            [typeof(SliceChannels)] = ((new SliceChannels(1, 3), [Tokens]), Bad(
            Tokens,
            new SliceChannels(2, 3), new SliceChannels(-1, 3), new SliceChannels(0, 0), new SliceChannels(0, -1),
            new SliceChannels(Huge, 1), new SliceChannels(1, Huge), new SliceChannels(Huge, Huge))),
            [typeof(Softplus)] = Unary(new Softplus()),
            [typeof(RoundInput)] = (
            (new RoundInput(UniformQuantizer.Symmetric(8, Granularity.PerChannel, [1, 1, 1, 1])), [Tokens]), Bad(
            Tokens,
            new RoundInput(UniformQuantizer.Symmetric(8, Granularity.PerChannel, [1, 1])), new RoundInput(
                UniformQuantizer.Symmetric(8, Granularity.PerToken, [1, 1, 1, 1])))),
        };

    public static TheoryData<string> Operators =>
        [
            .. typeof(Operator).Assembly.GetTypes().Where(
                type => type.IsSubclassOf(typeof(Operator)) && !type.IsAbstract).Select(type => type.Name),
        ];

    /// <summary>Every operator of the library is in the table; a new one cannot forget its bounds.</summary>
    [Theory]
    [MemberData(nameof(Operators))]
    public void Bad_settings_are_refused_and_good_ones_are_not(string name)
    {
        ((Operator good, Shape[] inputs), (Operator Operator, Shape[] Inputs)[] bad) = Table.Single(
            entry => entry.Key.Name == name).Value;
        good.OutputShape(inputs);
        Assert.True(bad.Length > 0);
        foreach ((Operator op, Shape[] shapes) in bad)
            Assert.ThrowsAny<ArgumentException>(() => op.OutputShape(shapes));
    }

    [Fact]
    public void Values_and_parameters_that_no_tensor_can_hold_are_refused()
    {
        var graph = new GraphBuilder([1 << 15, 1 << 10]);
        // the value
        Assert.Throws<BitisException>(() => graph.Add("wide", new Linear(1 << 10, 1 << 16, false), graph.Input));
        // the weights, too
        Assert.Throws<BitisException>(() => graph.Add("many", new Linear(1 << 10, Huge, true), graph.Input));
        Assert.Throws<BitisException>(() => new GraphBuilder([1 << 16, 1 << 16]));
        Assert.Throws<ArgumentException>(() => new GraphBuilder([3, 0, 4]));
        graph.Add("just right", new Linear(1 << 10, 1 << 10, false), graph.Input);
    }

    [Theory]
    [InlineData(8, 3, 2, 1, 4)]
    [InlineData(2, 3, 2, 0, 0)] // a division that rounds to zero would say 1
    [InlineData(int.MaxValue, 1, 1, 0, int.MaxValue)]
    [InlineData(int.MaxValue, 46_340, 1, 46_339, int.MaxValue)]
    public void Sizes_of_convolutions_do_not_overflow(int size, int kernel, int stride, int padding, int expected) =>
        Assert.Equal(expected, Operator.ConvolvedSize(size, kernel, stride, padding));

    private static (Operator Operator, Shape[] Inputs)[] Bad(Shape input, params Operator[] operators) =>
        [.. operators.Select(op => (op, (Shape[])[input]))];

    private static ((Operator Operator, Shape[] Inputs) Good, (Operator Operator, Shape[] Inputs)[] Bad) Unary(
        Operator op) =>
        ((op, [Tokens]), [(op, []), (op, [Tokens, Tokens])]);

    private static (Operator Operator, Shape[] Inputs)[] Norms(Func<int, float, Operator> create) =>
    [
        .. Bad(
            Tokens,
            create(5, 1e-5f),
            create(-4, 1e-5f),
            create(4, 0),
            create(4, -1e-5f),
            create(4, float.NaN),
            create(4, float.PositiveInfinity)),
        (create(0, 1e-5f), [[6, 0]]),
    ];
}
