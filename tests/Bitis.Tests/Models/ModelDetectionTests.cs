using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

public sealed class ModelDetectionTests
{
    private const string OfficialName = "vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_midclstok_div2";

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
            ShapesOf(ModelCatalogue.Get("vim-tiny").Config), "vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_cls_token");
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
        // Vim-Ti, -S and -B as counted from the official module definitions.
        foreach ((string name, long count) in new[] { ("vim-tiny", 7_148_008L), ("vim-small", 25_796_584L), ("vim-base", 97_598_440L) })
            Assert.Equal(count, ModelCatalogue.Get(name).Config.BuildGraph().Parameters.Sum(parameter => parameter.Shape.ElementCount));
    }

    [Theory]
    [InlineData("layers.0.mixer.A_log_0", "LocalVim")]
    [InlineData("layers.0.blocks.0.op.x_proj_weight", "VMamba")]
    [InlineData("layers.0.blocks.0.op.multi_scan.attn.norm.weight", "LocalVMamba")]
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
        var e = Assert.Throws<BitisException>(() => ModelDetection.Detect("model.pth", shapes, new Dictionary<string, string>(), options));
        Assert.Contains("17", e.Message);
    }

    private static Dictionary<string, Shape> ShapesOf(ModelConfig config) =>
        config.BuildGraph().Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Shape);

    private static ModelDetection Detect(Dictionary<string, Shape> shapes, string? officialName = null)
    {
        var metadata = new Dictionary<string, string>();
        if (officialName is not null)
            metadata["args.model"] = officialName;
        return ModelDetection.Detect("model.pth", shapes, metadata, ModelOptions.Default);
    }
}
