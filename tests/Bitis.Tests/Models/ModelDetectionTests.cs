using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Detection;
using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

public sealed class ModelDetectionTests
{
    private const string OfficialName =
        "vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_midclstok_div2";

    public static TheoryData<string> Variants => [.. ModelCatalogue.Variants.Select(variant => variant.Name)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Published_variants_are_recognized_by_their_shapes(string name)
    {
        ModelVariant variant = ModelCatalogue.Get(name);
        ModelDetection detection = Detect(ShapesOf(variant.Config));
        Assert.Equal(variant, detection.Variant);
        Assert.NotEmpty(detection.Assumptions);
    }

    [Fact]
    public void An_official_name_leaves_nothing_to_assume()
    {
        ModelDetection detection = Detect(ShapesOf(ModelCatalogue.Get("vim-tiny").Config), OfficialName);
        Assert.Equal("vim-tiny", detection.Variant?.Name);
        Assert.Empty(detection.Assumptions);
    }

    [Fact]
    public void An_official_name_without_a_middle_token_means_the_first_position()
    {
        ModelDetection detection = Detect(
            ShapesOf(
                ModelCatalogue.Get(
                    "vim-tiny").Config), "vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_cls_token");
        Assert.Equal(ClassTokenPosition.First, ((VimConfig)detection.Config).ClassToken);
    }

    [Fact]
    public void Names_of_other_kinds_say_nothing()
    {
        ModelDetection detection = Detect(ShapesOf(ModelCatalogue.Get("vim-tiny").Config), "my_model");
        Assert.Equal("vim-tiny", detection.Variant?.Name);
        Assert.NotEmpty(detection.Assumptions);
    }

    [Fact]
    public void Parameter_counts_are_the_published_ones()
    {
        // As counted from the official module definitions.
        foreach ((string name, long count) in new[]
        {
            ("vim-tiny", 7_148_008L), ("vim-small", 25_796_584L), ("vim-base", 97_598_440L),
            ("vmamba-tiny", 30_249_064L), ("vmamba-small", 50_147_752L), ("vmamba-base", 88_557_800L),
            ("vmamba-small-s1l20", 49_012_840L), ("vmamba-base-s1l20", 86_614_504L),
        })
        {
            Assert.Equal(
                count,
                ModelCatalogue.Get(name).Config.BuildGraph().Parameters.Sum(parameter => parameter.Shape.ElementCount));
        }
    }

    [Theory]
    [InlineData("layers.0.mixer.A_log", "one scan direction")]
    [InlineData("layers.0.mixer.A_log_0", "1 scan direction;")]
    [InlineData("blocks.0.attn.qkv.weight", "--weights-key")]
    public void Other_models_are_named_or_their_tensors_shown(string tensor, string expected)
    {
        var e = Assert.Throws<BitisException>(() => Detect(new() { [tensor] = [4, 4] }));
        Assert.StartsWith("model.pth: ", e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Theory]
    [InlineData("rope.freqs_cos", "rotary")]
    [InlineData("cls_token_head", "two class tokens")]
    public void Forms_that_nobody_published_are_refused_by_name(string tensor, string expected)
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vim-tiny").Config);
        shapes[tensor] = [1];
        Assert.Contains(expected, Assert.Throws<BitisException>(() => Detect(shapes)).Message);
    }

    [Theory]
    [InlineData("patch_embed.2.running_mean", "batch normalization")]
    [InlineData("pos_embed", "absolute positions")]
    [InlineData("layers.0.blocks.0.op.out_norm.0.weight", "out_norm")]
    public void Forms_of_VMamba_that_nobody_published_are_refused_by_name(string tensor, string expected)
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vmamba-tiny").Config);
        shapes[tensor] = [1];
        Assert.Contains(expected, Assert.Throws<BitisException>(() => Detect(shapes)).Message);
    }

    [Fact]
    public void The_image_size_of_a_VMamba_is_what_the_user_says()
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vmamba-tiny").Config);
        ModelDetection detection = ModelDetection.Detect(
            "model.pth", shapes, new Dictionary<string, string>(), new ModelOptions { ImageSize = 256 });
        Assert.Equal(256, detection.Config.ImageSize);
        Assert.Empty(detection.Assumptions);
        Assert.Null(detection.Variant);
    }

    [Fact]
    public void Directions_are_those_of_the_published_variant_unless_the_user_says_others()
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("localvim-tiny").Config);
        shapes["head.weight"] = [7, 192]; // fine-tuned
        shapes["head.bias"] = [7];
        ModelDetection tuned = Detect(shapes);
        Assert.Equal(
            ((LocalVimConfig)ModelCatalogue.Get("localvim-tiny").Config).Directions,
            ((LocalVimConfig)tuned.Config).Directions);
        Assert.Contains("localvim-tiny (--directions)", Assert.Single(tuned.Assumptions));
        ModelDetection chosen = DetectWith(shapes, "h, h_flip,w2,w2_flip");
        Assert.Equal([.. Enumerable.Repeat("h,h_flip,w2,w2_flip", 20)], ((LocalVimConfig)chosen.Config).Directions);
        Assert.Empty(chosen.Assumptions);
    }

    [Theory]
    [InlineData("h,v,w2", "'h,v,w2' names 3 scan directions; a block has 4")]
    [InlineData("h,v,w2,x7", "no scan direction 'x7'")]
    [InlineData("h,v,w2,w0", "no scan direction 'w0'")]
    [InlineData("h,v,w2,w-2", "no scan direction 'w-2'")]
    [InlineData("", "names 0 scan directions; a block has 4")]
    [InlineData("h,v,w2,w7/h,v,w2,w7", "of 2 blocks; the model has 20")]
    public void Directions_that_do_not_fit_are_refused(string directions, string expected)
    {
        string message = Assert.Throws<BitisException>(
            () => DetectWith(ShapesOf(ModelCatalogue.Get("localvim-tiny").Config), directions)).Message;
        Assert.StartsWith("model.pth: --directions: ", message);
        Assert.Contains(expected, message);
    }

    [Fact]
    public void Models_of_unpublished_shapes_need_directions()
    {
        ModelConfig[] configs =
        [
            SmallModels.Get("localvim-micro", 10),
            (LocalVMambaConfig)ModelCatalogue.Get("localvmamba-tiny").Config with { StateSize = 8 },
        ];
        foreach (ModelConfig config in configs)
        {
            string message = Assert.Throws<BitisException>(() => Detect(ShapesOf(config))).Message;
            Assert.Contains($"the weights of a {config.Family} do not tell its scan directions", message);
            Assert.Contains("--directions", message);
        }
    }

    [Fact]
    public void A_damaged_VMamba_is_refused_with_the_tensor()
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vmamba-tiny").Config);
        shapes["layers.0.blocks.0.op.A_logs"] = [384];
        Assert.Contains("A_logs", Assert.Throws<BitisException>(() => Detect(shapes)).Message);
        shapes.Remove("layers.0.blocks.0.op.A_logs");
        Assert.Contains("A_logs' is missing", Assert.Throws<BitisException>(() => Detect(shapes)).Message);
    }

    [Fact]
    public void Positions_that_make_no_square_are_refused()
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vim-tiny").Config);
        shapes["pos_embed"] = [1, 196, 192];
        Assert.Contains("square", Assert.Throws<BitisException>(() => Detect(shapes)).Message);
    }

    [Fact]
    public void A_stride_must_fit_the_patch()
    {
        Dictionary<string, Shape> shapes = ShapesOf(ModelCatalogue.Get("vim-tiny").Config);
        var options = new ModelOptions { Stride = 17 };
        var e = Assert.Throws<BitisException>(
            () => ModelDetection.Detect("model.pth", shapes, new Dictionary<string, string>(), options));
        Assert.Contains("17", e.Message);
    }

    private static Dictionary<string, Shape> ShapesOf(ModelConfig config)
    {
        var shapes = new Dictionary<string, Shape>(new CheckpointLayout(config, config.BuildGraph()).Tensors);
        if (config is LocalVimConfig { HasRotaryPositions: true } local)
            shapes["rope.freqs_cos"] = shapes["rope.freqs_sin"] = [local.Tokens, local.Width];
        return shapes;
    }

    private static ModelDetection DetectWith(Dictionary<string, Shape> shapes, string directions) =>
        ModelDetection.Detect(
        "model.pth", shapes, new Dictionary<string, string>(), new ModelOptions { Directions = directions });

    private static ModelDetection Detect(Dictionary<string, Shape> shapes, string? officialName = null)
    {
        var metadata = new Dictionary<string, string>();
        if (officialName is not null)
            metadata["args.model"] = officialName;
        return ModelDetection.Detect("model.pth", shapes, metadata, ModelOptions.Default);
    }
}
