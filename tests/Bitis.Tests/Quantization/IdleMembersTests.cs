using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Models.Catalogue;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

/// <summary>What has no effect is refused, in recipes of quantizations and of backward passes.</summary>
public sealed class IdleMembersTests
{
    private static readonly Recipe QMamba = new() { Method = "qmamba", Scope = Scope.Ssm };
    private static readonly Graph Vim = SmallModels.Get("vim-micro", classes: 10).BuildGraph();

    [Fact]
    public void Settings_of_scans_need_quantized_scans()
    {
        Graph vit = SmallModels.Get("vit-mini", classes: 10).BuildGraph();
        Refused(QMamba with { TimeGroups = 4 }, vit, "'timeGroups' does nothing", "the model has no scans");
        Refused(QMamba with { Decay = DecaySpacing.Uniform }, vit, "'decay' does nothing", "the model has no scans");
        Recipe floatScans = QMamba with { TimeGroups = 4, Bits = new(8, BitWidths.Float) };
        Refused(floatScans, Vim, "'timeGroups' does nothing", "w8a32");
        Refused(QMamba with { TimeGroups = 66 }, Vim, "66 groups", "65 tokens");
        Assert.NotEmpty((QMamba with { TimeGroups = 65, Decay = DecaySpacing.LongTailed }).Select(Vim));
    }

    [Fact]
    public void Long_tailed_levels_need_a_method_that_tries_them()
    {
        Refused(QMamba with { Method = "mse", Decay = DecaySpacing.LongTailed }, Vim, "'decay' does nothing", "'mse'");
        Assert.NotEmpty((QMamba with { Method = "mse", Decay = DecaySpacing.Logarithmic }).Select(Vim));
    }

    [Fact]
    public void An_override_is_there_once()
    {
        SiteOverride[] overrides = [SiteOverride.Parse("*.x_proj*=w8a8"), SiteOverride.Parse("*.x_proj*=w6a6")];
        Refused(new Recipe { Overrides = overrides }, Vim, "'*.x_proj*' is there twice");
    }

    [Theory]
    [InlineData("exact", 4, null, GradientScale.Token, TokenBasis.Patch, "rank")]
    [InlineData("int8", 8, null, GradientScale.Token, TokenBasis.Patch, "rank")]
    [InlineData("exact", null, 8, GradientScale.Token, TokenBasis.Patch, "activationBits")]
    [InlineData("lbp-wht", null, 4, GradientScale.Token, TokenBasis.Patch, "activationBits")]
    [InlineData("low-rank", null, null, GradientScale.Token, TokenBasis.Patch, "gradientBits", 8)]
    [InlineData("luq", null, null, GradientScale.Token, TokenBasis.Patch, "gradientBits", 8)]
    [InlineData("exact", null, null, GradientScale.Tensor, TokenBasis.Patch, "scale")]
    [InlineData("low-rank", null, null, GradientScale.Auto, TokenBasis.Patch, "scale")]
    [InlineData("hadamard", null, null, GradientScale.Token, TokenBasis.Energy, "basis")]
    public void A_reverse_pass_refuses_what_its_methods_do_not_use(
        string method, int? rank, int? bits, object scale, object basis, string name, int? gradientBits = null)
    {
        var policy = new BackwardPolicy
        {
            Method = method,
            Rank = rank,
            ActivationBits = bits,
            GradientBits = gradientBits,
            Scale = (GradientScale)scale,
            Basis = (TokenBasis)basis,
        };
        string message = Assert.Throws<BitisException>(policy.RequireUsed).Message;
        Assert.Contains($"{name} does nothing", message);
        Assert.Contains($"'{method}'", message);
        (policy with { Overrides = [new BackwardOverride("head", "hlq")] }).RequireUsed(); // which uses all of them
        (policy with { Method = "hlq" }).RequireUsed();
    }

    [Fact]
    public void A_new_training_refuses_them()
    {
        using var folder = new TempFolder();
        TrainingRecipe tiny = Training.TinyTraining.Recipe;
        Refused(tiny with { Backward = new BackwardPolicy { Rank = 4 } }, "rank does nothing");
        Refused(tiny with { Model = "vim-mini" }, "model 'vim-mini' does nothing beside a config");

        void Refused(TrainingRecipe recipe, string words) => Assert.Contains(words, Assert.Throws<BitisException>(
            () => Trainer.Create(recipe, Training.TinyTraining.Data(), folder["run"])).Message);
    }

    private static void Refused(Recipe recipe, Graph graph, params string[] words)
    {
        string message = Assert.Throws<BitisException>(() => recipe.Select(graph)).Message;
        foreach (string word in words)
            Assert.Contains(word, message, StringComparison.Ordinal);
    }
}
