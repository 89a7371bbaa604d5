using Bitis.Analysis.Search;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Analysis.Search;

/// <summary>Mixtures of choices as recipes and models.</summary>
public sealed class MixtureTests
{
    private static readonly VisionModel Model = MicroModel.Load().Folded();
    private static readonly BitWidths[] Bits = [new(8, 8), new(4, 8), new(4, 4)];

    private static readonly SearchSpace Space = new(Model.Graph, Bits, [Scope.Linear, Scope.Ssm, Scope.Full]);

    [Fact]
    public void Blocks_are_the_models_and_stem_and_head()
    {
        Assert.Equal("patch_embed.proj", Space.Blocks[0].Name);
        Assert.Equal("layers.0.*", Space.Blocks[1].Name);
        Assert.Equal("head", Space.Blocks[^1].Name);
        Assert.Equal(2 + Model.Graph.BlockCount, Space.Blocks.Count);
        Assert.All(Space.Choices, list => Assert.Equal(BlockChoice.Float, list[0]));
        // Only scope full has them, with the bits as they are given.
        Assert.Equal(["float", "w8a8,full", "w4a8,full", "w4a4,full"], Space.Choices[0].Select(c => c.ToString()));
        Assert.Equal(1 + 9, Space.Choices[1].Count);
    }

    [Fact]
    public void A_uniform_mixture_is_a_recipe_without_overrides()
    {
        foreach (BlockChoice choice in Space.Uniform)
        {
            Recipe recipe = MixedRecipe.Of(Space, Space.UniformMixture(choice), "mse")!;
            Assert.Equal(
                new Recipe { Method = "mse", Bits = choice.Bits, Scope = choice.Scope!.Value }, recipe);
        }
        Assert.Null(MixedRecipe.Of(Space, new int[Space.Blocks.Count], "mse"));
    }

    /// <summary>What is put together has the bits of what the recipe makes.</summary>
    [Theory]
    [InlineData("mse", 1)]
    [InlineData("mse", 2)]
    [InlineData("quamba", 3)]
    [InlineData("log2", 4)]
    public void A_mixture_put_together_is_the_recipes_model(string method, int seed)
    {
        var random = new Random(seed);
        int[] mixture = [.. Space.Choices.Select(list => random.Next(list.Count))];
        CalibrationSet images = CalibrationSet.FromTensors(MicroModel.Images(Model, 4, seed: 1));
        var models = new MixedModels(Model, images, Space, method, threads: 1);
        QuantizedModel made = models.Create(mixture, progress: null, default);
        QuantizedModel whole = PostTrainingQuantizer.Quantize(Model, images, models.RecipeOf(mixture)!);
        Assert.True(models.IsPutTogether);
        Assert.Equal(whole.Layers.Keys.Order(), made.Layers.Keys.Order());
        Assert.Equal(Bytes(whole), Bytes(made));
        Assert.All(whole.Scans, scan => Assert.Equal(scan.Value.U.Bits, made.Scans[scan.Key].U.Bits));
    }

    /// <summary>A method that learns makes each mixture as a whole.</summary>
    [Fact]
    public void A_method_that_learns_quantizes_anew()
    {
        CalibrationSet images = CalibrationSet.FromTensors(MicroModel.Images(Model, 4, seed: 1));
        var models = new MixedModels(Model, images, Space, "smoothquant", threads: 1);
        int[] mixture = Space.UniformMixture(new BlockChoice(new(8, 8), Scope.Linear));
        QuantizedModel whole = PostTrainingQuantizer.Quantize(Model, images, models.RecipeOf(mixture)!);
        Assert.False(models.IsPutTogether);
        Assert.Equal(Bytes(whole), Bytes(models.Create(mixture, progress: null, default)));
    }

    [Theory]
    [InlineData("drop<=0.5", SearchMeasure.Drop, 0.5)]
    [InlineData("drop <= 2", SearchMeasure.Drop, 2)]
    [InlineData("latency<=2.5ms", SearchMeasure.Latency, 2.5)]
    [InlineData("latency<=900us", SearchMeasure.Latency, 0.9)]
    [InlineData("size<=1MB", SearchMeasure.Size, 1e6)]
    [InlineData("size<=850 kB", SearchMeasure.Size, 850e3)]
    public void A_budget_is_read(string text, object measure, double limit)
    {
        var budget = SearchBudget.Parse(text);
        Assert.Equal((SearchMeasure)measure, budget.Measure);
        Assert.Equal(limit, budget.Limit, 9);
        Assert.Equal(budget, SearchBudget.Parse(budget.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("drop")]
    [InlineData("drop<0.5")]
    [InlineData("drop<=-1")]
    [InlineData("drop<=0.5%")]
    [InlineData("drop<=0,5")]
    [InlineData("drop<=1<=2")]
    [InlineData("latency<=2.5")]
    [InlineData("latency<=ms")]
    [InlineData("size<=1")]
    [InlineData("size<=1TB")]
    [InlineData("accuracy<=1")]
    [InlineData("drop<=1.2.3")]
    public void Other_budgets_are_refused(string text) =>
        Assert.Contains(
            "is not a budget", Assert.Throws<BitisException>(() => SearchBudget.Parse(text)).Message,
            StringComparison.Ordinal);

    private static byte[] Bytes(QuantizedModel model)
    {
        using var stream = new MemoryStream();
        model.Save(stream);
        return stream.ToArray();
    }
}
