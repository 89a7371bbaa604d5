using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;

namespace Bitis.Tests.Training;

public sealed class BackwardPolicyTests
{
    private static readonly Graph Graph = SmallModels.Get("vim-mini", classes: 10).BuildGraph();

    [Fact]
    public void Layers_too_small_to_gain_are_exact_and_say_why()
    {
        Dictionary<string, LayerBackward> layers = new BackwardPolicy { Method = "hlq" }.Select(Graph)
            .ToDictionary(layer => layer.Layer);
        Assert.Equal(new LayerBackward("layers.0.mixer.in_proj", "hlq", null), layers["layers.0.mixer.in_proj"]);
        Assert.Equal(new LayerBackward("layers.0.mixer.x_proj", "hlq", null), layers["layers.0.mixer.x_proj"]);
        Assert.Equal(
            ("exact", "10 to 320 channels, fewer than 48 to 32"),
            (layers["layers.0.mixer.dt_proj"].Method, layers["layers.0.mixer.dt_proj"].Reason));
        Assert.Equal(("exact", "1 token, fewer than 16"), (layers["head"].Method, layers["head"].Reason));
        Assert.Equal("exact", layers["patch_embed.proj"].Method);

        var narrow = new VimConfig
        {
            ImageSize = 32,
            PatchSize = 4,
            Stride = 4,
            Width = 32,
            InnerWidth = 64,
            Depth = 1,
            DeltaRank = 4,
            Classes = 10,
        };
        Assert.Contains(
            new LayerBackward("layers.0.mixer.in_proj", "exact", "32 to 128 channels, fewer than 48 to 32"),
            new BackwardPolicy { Method = "hlq" }.Select(narrow.BuildGraph()));
    }

    [Fact]
    public void The_first_override_that_matches_decides_whatever_the_shape()
    {
        var policy = new BackwardPolicy
        {
            Method = "hlq",
            Overrides = [new("layers.0.*", "exact"), new("*.dt_proj*", "int8")],
        };
        Dictionary<string, LayerBackward> layers = policy.Select(Graph).ToDictionary(layer => layer.Layer);
        Assert.Equal("exact", layers["layers.0.mixer.dt_proj"].Method);
        Assert.Equal("int8", layers["layers.1.mixer.dt_proj_b"].Method);
        Assert.Equal("hlq", layers["layers.1.mixer.in_proj"].Method);
    }

    [Fact]
    public void Mistakes_are_named()
    {
        Refuses(new BackwardPolicy { Method = "hql" }, "'hql'; the methods are exact, hlq");
        Refuses(new BackwardPolicy { Overrides = [new("*", "int2")] }, "'int2'");
        Refuses(new BackwardPolicy { Rank = 7 }, "rank is 7");
        Refuses(new BackwardPolicy { ActivationBits = 3 }, "activationBits is 3");
        Refuses(new BackwardPolicy { GradientBits = 16 }, "gradientBits is 16");
        var policy = new BackwardPolicy { Overrides = [new("layers.99.*", "hlq")] };
        Assert.Contains("'layers.99.*' matches no", Assert.Throws<BitisException>(() => policy.Select(Graph)).Message);

        static void Refuses(BackwardPolicy policy, string part) =>
            Assert.Contains(part, Assert.Throws<BitisException>(policy.Validate).Message);
    }

    [Theory]
    [InlineData("hlq", null, null, 16, 4, 8)]
    [InlineData("hlq", 8, null, 8, 8, 8)]
    [InlineData("hlq", 16, null, 16, 4, 8)]
    [InlineData("hlq", null, 8, 16, 8, 8)]
    [InlineData("low-rank", null, null, 8, 8, 8)]
    [InlineData("low-rank", 16, null, 16, 4, 8)]
    [InlineData("int4", null, null, 8, 4, 4)]
    public void Methods_have_usual_ranks_and_layers_usual_bits(
        string name, int? rank, int? bits, int expectedRank, int linearBits, int convolutionBits)
    {
        BackwardMethod method = BackwardMethods.Find(name);
        var policy = new BackwardPolicy { Method = name, Rank = rank, ActivationBits = bits };
        Assert.Equal(expectedRank, policy.RankOf(method));
        Assert.Equal(linearBits, policy.BitsOfInput(method, new Linear(64, 64, HasBias: false)));
        Assert.Equal(convolutionBits, policy.BitsOfInput(method, new GridConv2d(64, 64, 8, 8, 3, 1, 1)));
        using TokenBlocks blocks = policy.BlocksOf(method, GridLayout.Grid(8, 8), images: 1);
        Assert.Equal(method.Weight.LowRank && expectedRank < 16, blocks.HasBlocks);
    }

    [Theory]
    [InlineData("hlq", null, null, 4, true, false)]
    [InlineData("hlq", 16, 4, 4, true, false)]
    [InlineData("hlq", 8, null, 4, true, true)] // the paper's form
    [InlineData("hlq", null, 8, 8, false, false)]
    [InlineData("hadamard", null, null, 4, true, true)]
    [InlineData("int8", null, null, 8, false, false)]
    [InlineData("int8", null, 4, 4, false, false)]
    [InlineData("luq", null, null, 4, false, false)]
    public void Channels_of_ȳ_are_transformed_where_that_helps(
        string name, int? rank, int? gradientBits, int bits, bool transforms, bool transformsSummands)
    {
        BackwardMethod method = BackwardMethods.Find(name);
        var policy = new BackwardPolicy { Method = name, Rank = rank, GradientBits = gradientBits };
        GradientArithmetic usual = policy.InputArithmetic(method, isSummand: false),
            ofSummand = policy.InputArithmetic(method, isSummand: true);
        Assert.Equal((bits, transforms), (usual.Bits, usual.Hadamard));
        Assert.Equal((bits, transformsSummands), (ofSummand.Bits, ofSummand.Hadamard));
    }

    [Fact]
    public void Policies_compare_by_what_they_say()
    {
        var one = new BackwardPolicy { Method = "hlq", Overrides = [new("a", "exact")] };
        Assert.Equal(one, new BackwardPolicy { Method = "hlq", Overrides = [new("a", "exact")] });
        Assert.NotEqual(one, one with { Overrides = [] });
    }

    [Fact]
    public void Coefficients_are_kept_from_the_lowest_frequency_on()
    {
        using TokenBlocks runs = TokenBlocks.For(GridLayout.Grid(4, 4), TokenBasis.Sequency, 16, images: 1);
        using TokenBlocks patches = TokenBlocks.For(GridLayout.Grid(4, 4), TokenBasis.Patch, 16, images: 1);
        Assert.Equal(
            Enumerable.Range(0, 16),
            Kept(runs).Select(k => Changes(Enumerable.Range(0, 16).Select(i => WalshHadamard.Entry(k, i)))));
        (int Y, int X)[] frequencies = [.. Kept(patches).Select(k => (Changes(Column(k, 4)), Changes(Column(k, 1))))];
        Assert.Equal([(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0)], frequencies[..8]);
        Assert.Equal(16, frequencies.Distinct().Count());

        static IEnumerable<int> Column(int k, int step) =>
            Enumerable.Range(0, 4).Select(i => WalshHadamard.Entry(k, i * step));
        static int Changes(IEnumerable<int> signs) => signs.Zip(signs.Skip(1)).Count(pair => pair.First != pair.Second);
    }

    [Theory]
    [InlineData(8, 8, 32, 4 * 8 + 1)] // four patches and the class token
    [InlineData(14, 14, 98, (9 * 8) + 52 + 1)] // nine patches, a margin of two tokens, the class token
    [InlineData(7, 7, -1, 8 + 33)]
    [InlineData(3, 3, -1, 9)]
    public void Class_tokens_and_margins_stay_as_they_are(int height, int width, int classToken, int rows)
    {
        GridLayout layout = GridLayout.Grid(height, width) with
        {
            Rows = (height * width) + (classToken < 0 ? 0 : 1),
            ExtraRow = classToken,
        };
        using TokenBlocks blocks = TokenBlocks.For(layout, TokenBasis.Patch, 8, images: 2);
        Assert.Equal(2 * rows, blocks.Rows(2));
        Assert.Equal(rows, blocks.Rows(1));
    }

    [Fact]
    public void Windows_have_no_layout_and_what_meets_the_grid_again_has_the_grid_s()
    {
        // directions h, v_flip, w4 and w4_flip
        Graph local = SmallModels.Get("localvim-micro", classes: 10).BuildGraph();
        GridLayout grid = GridLayout.Grid(8, 8);
        var layouts = new GridLayouts(local);
        foreach (string node in (string[])["u_0", "u_1", "gated_2", "gated_3", "multi_scan"])
            Assert.Equal(grid, layouts[local[$"layers.0.mixer.{node}"]]);
        foreach (string node in (string[])["u_2", "u_3", "attn.gate_fn"])
            Assert.Equal(0, layouts[local[$"layers.0.mixer.{node}"]].Height);
        Assert.Equal(grid, layouts[local["layers.5.mixer.in_proj"]]);

        Graph pyramid = SmallModels.Get("localvmamba-micro", classes: 10).BuildGraph();
        var pyramidLayouts = new GridLayouts(pyramid);
        Assert.Equal(GridLayout.Grid(16, 16), pyramidLayouts[pyramid["layers.0.blocks.0.op.multi_scan"]]);
        Assert.Equal(0, pyramidLayouts[pyramid["layers.0.blocks.0.op.scan2"]].Height);
    }

    private static unsafe int[] Kept(TokenBlocks blocks) =>
        [.. Enumerable.Range(0, blocks.Rank).Select(i => (int)blocks.Kept[i])];
}
