using Bitis.Analysis.Search;
using Bitis.Analysis.Search.Mixtures;
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
    public void Parts_are_layers_of_one_kind_in_a_block_and_stem_and_head()
    {
        Assert.Equal(2 + (3 * Model.Graph.BlockCount), Space.Parts.Count);
        Assert.Equal(
            ["patch_embed.proj", "layers.0.mixer.conv1d*", "layers.0.mixer.scan*"],
            Space.Parts.Select(part => part.Name).Where(name => !name.Contains(' ')).Take(3));
        Assert.Equal("head", Space.Parts[^1].Name);
        Assert.All(Space.Choices, list => Assert.Equal(PartChoice.Float, list[0]));
        // Only scope full has the stem, with the bits as they are given.
        Assert.Equal(["float", "w8a8,full", "w4a8,full", "w4a4,full"], ChoicesOf("patch_embed.proj"));
        // A scan has the bits of activations.
        Assert.Equal(["float", "w8a8,ssm", "w4a4,ssm"], ChoicesOf("layers.0.mixer.scan*"));
        Assert.Equal(["float", "w8a8,full", "w4a8,full", "w4a4,full"], ChoicesOf("layers.0.mixer.conv1d*"));
        SearchPart linear = Space.Parts.First(part => part.Kind == PartKind.Linear && part.Sites.Count > 1);
        Assert.Contains("layers.0.mixer.in_proj", linear.Patterns);
        Assert.Equal("layers.0.*", linear.SegmentPattern);
        Assert.Equal(["float", "w8a8,linear", "w4a8,linear", "w4a4,linear"], ChoicesOf(linear.Name));
    }

    /// <summary>Linear layers are timed beside float32, all others beside quantized linear layers.</summary>
    [Fact]
    public void Each_choice_of_a_part_is_timed_beside_another_mixture()
    {
        Assert.All(Space.Timed[0].Mixture, choice => Assert.Equal(0, choice));
        foreach ((int p, SearchPart part) in Space.Parts.Index())
        {
            for (int choice = 1; choice < Space.Choices[p].Count; choice++)
            {
                TimedMixture timed = Space.Timed.First(one => one.Kind == part.Kind && one.Mixture[p] == choice);
                Assert.Equal(0, timed.Beside[p]);
                Assert.Contains(Space.Timed, one => one.Mixture.SequenceEqual(timed.Beside));
                Assert.All(Space.Parts.Index(), other => Assert.Equal(
                    other.Item.Kind == part.Kind, timed.Mixture[other.Index] != timed.Beside[other.Index]));
            }
        }
    }

    /// <summary>An override for a block stands behind those for its parts.</summary>
    [Fact]
    public void A_recipe_says_most_with_few_overrides()
    {
        int[] mixture = Space.UniformMixture(new PartChoice(new(4, 8), Scope.Full));
        Set("layers.0.mixer.scan*", PartChoice.Float);
        Set("layers.1.mixer.scan*", PartChoice.Float);
        int linear = Space.Parts.Index().First(part => part.Item.Kind == PartKind.Linear).Index;
        mixture[linear] = Space.IndexOf(linear, new PartChoice(new(8, 8), Scope.Linear));
        Recipe recipe = MixedRecipe.Of(Space, mixture, "mse")!;
        Assert.Equal(
            ["layers.0.mixer.conv1d*=w4a8,full", "layers.0.*=w8a8,linear", "layers.1.mixer.scan*=w32a32"],
            recipe.Overrides.Select(entry => entry.ToString()));
        Assert.Equal((new BitWidths(4, 8), Scope.Full), (recipe.Bits, recipe.Scope));

        void Set(string name, PartChoice choice)
        {
            int part = Space.Parts.Index().Single(entry => entry.Item.Name == name).Index;
            mixture[part] = Space.IndexOf(part, choice);
        }
    }

    [Fact]
    public void A_uniform_mixture_is_a_recipe_without_overrides()
    {
        foreach (PartChoice choice in Space.Uniform)
        {
            Recipe recipe = MixedRecipe.Of(Space, Space.UniformMixture(choice), "mse")!;
            Assert.Equal(
                new Recipe { Method = "mse", Bits = choice.Bits, Scope = choice.Scope!.Value }, recipe);
        }
        Assert.Null(MixedRecipe.Of(Space, new int[Space.Parts.Count], "mse"));
    }

    /// <summary>What is put together has the bits of what the recipe makes.</summary>
    [Theory]
    [InlineData("mse", 1)]
    [InlineData("mse", 2)]
    [InlineData("quamba", 3)]
    [InlineData("log2", 4)]
    [InlineData("mse", 5)]
    [InlineData("mse", 6)]
    [InlineData("mse", 7)]
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
        int[] mixture = Space.UniformMixture(new PartChoice(new(8, 8), Scope.Linear));
        QuantizedModel whole = PostTrainingQuantizer.Quantize(Model, images, models.RecipeOf(mixture)!);
        Assert.False(models.IsPutTogether);
        Assert.Equal(Bytes(whole), Bytes(models.Create(mixture, progress: null, default)));
    }

    [Theory]
    [InlineData("drop<=0.5", SearchMeasure.Drop, 0.5)]
    [InlineData("drop <= 2", SearchMeasure.Drop, 2)]
    [InlineData("drop<=0.0004", SearchMeasure.Drop, 0.0004)]
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

    [Fact]
    public void A_limit_beyond_all_numbers_is_refused() =>
        Assert.Throws<BitisException>(() => SearchBudget.Parse("drop<=" + new string('9', 400)));

    [Theory]
    [InlineData(SearchMeasure.Drop, double.NaN)]
    [InlineData(SearchMeasure.Size, -5)]
    [InlineData((SearchMeasure)9, 1)]
    public void A_budget_that_limits_nothing_is_refused(object measure, double limit) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SearchBudget((SearchMeasure)measure, limit));

    private static IEnumerable<string> ChoicesOf(string name) =>
        Space.Choices[Space.Parts.Index().Single(part => part.Item.Name == name).Index].Select(c => c.ToString());

    private static byte[] Bytes(QuantizedModel model)
    {
        using var stream = new MemoryStream();
        model.Save(stream);
        return stream.ToArray();
    }
}
