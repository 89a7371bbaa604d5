using System.Numerics.Tensors;
using Bitis.Analysis.Search;
using Bitis.Analysis.Search.Measures;
using Bitis.Data.BuiltIn;

namespace Bitis.Tests.Analysis.Search;

/// <summary>Searches on a small model.</summary>
public sealed class RecipeSearchTests : IDisposable
{
    private const string Sensitive = "layers.1.mixer.in_proj.weight";

    private readonly TempFolder _folder = new();
    private readonly ImageSource _calibration = new BuiltInImageSource(BuiltInSplit.Train).Take(16, seed: 1);
    private readonly ImageSource _data = new BuiltInImageSource(BuiltInSplit.Test).Take(240, seed: 2);

    public void Dispose() => _folder.Dispose();

    /// <summary>A block whose weights need many bits keeps them, and others do not.</summary>
    [Fact]
    public void A_block_made_sensitive_keeps_its_bits()
    {
        VisionModel model = MadeSensitive();
        SearchOutcome found = Search(model, new(new(SearchMeasure.Drop, 3), SearchMeasure.Size, ["minmax"]));
        SearchPoint chosen = Assert.IsType<SearchPoint>(found.Chosen);
        var space = new SearchSpace(model.Folded().Graph, [new(8, 8), new(4, 8)], [Scope.Linear]);
        BlockChoice[] choices = [.. chosen.Mixture.Select((choice, block) => space.Choices[block][choice])];
        int sensitive = Enumerable.Range(0, choices.Length).Single(block => space.Blocks[block].Name == "layers.1.*");
        Assert.NotEqual(4, choices[sensitive].Bits.Weights);
        Assert.Contains(choices, choice => choice.Bits.Weights == 4);
        Assert.True(chosen.EstimatedDrop <= 3);
        Assert.NotNull(chosen.Reporting);
        // Smaller than the only uniform recipe that keeps the budget, w8a8.
        Assert.Equal(new BitWidths(8, 8), found.BestUniform!.Recipe.Bits);
        Assert.True(chosen.FileBytes < found.BestUniform.FileBytes);
        Assert.Equal(2, found.Uniform.Count);
    }

    [Fact]
    public void The_front_rises_in_cost_and_falls_in_drop()
    {
        SearchOutcome found = Search(
            VisionModel.LoadShipped("vim-micro-builtin"),
            new(new(SearchMeasure.Size, 380e3), SearchMeasure.Drop, ["mse"]));
        foreach ((SearchPoint first, SearchPoint second) in found.Front.Zip(found.Front.Skip(1)))
        {
            Assert.True(first.FileBytes < second.FileBytes);
            Assert.True(first.EstimatedDrop > second.EstimatedDrop);
        }
        Assert.True(found.Chosen!.FileBytes <= 380e3);
        Assert.All(
            found.Front.Concat(found.Uniform).Where(point => point.FileBytes <= 380e3),
            point => Assert.True(point.EstimatedDrop >= found.Chosen.EstimatedDrop));
        Assert.All(found.Front, point => Assert.True(point.LatencyMs > 0 && point.PredictedMs > 0));
    }

    [Fact]
    public void A_search_resumes_with_the_same_result()
    {
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        SearchSettings settings = new(new(SearchMeasure.Drop, 1), SearchMeasure.Size, ["mse"])
        {
            WorkFolder = _folder["work"],
        };
        SearchOutcome first = Search(model, settings);
        string[] files = Directory.GetFiles(_folder["work"]);
        File.Delete(files[0]); // as if interrupted
        SearchOutcome second = Search(model, settings);
        Assert.Equal((0, files.Length - 1), (first.Resumed, second.Resumed));
        Assert.Equal(first.Chosen!.Recipe, second.Chosen!.Recipe);
        Assert.Equal(
            first.Front.Select(point => (point.Recipe, point.Choosing, point.FileBytes)),
            second.Front.Select(point => (point.Recipe, point.Choosing, point.FileBytes)));
        BitisException other = Assert.Throws<BitisException>(() => Search(MadeSensitive(), settings));
        Assert.Contains("another search", other.Message, StringComparison.Ordinal);
        File.WriteAllText(files[1], "{");
        Assert.Contains(
            "cannot be read", Assert.Throws<BitisException>(() => Search(model, settings)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_that_nothing_keeps_gives_the_nearest()
    {
        SearchOutcome found = Search(
            VisionModel.LoadShipped("vim-micro-builtin"),
            new(new(SearchMeasure.Size, 1e3), SearchMeasure.Drop, ["minmax"]) { Bits = [new(8, 8)] });
        Assert.Null(found.Chosen);
        Assert.Null(found.BestUniform);
        Assert.Null(found.FloatReporting);
        Assert.Equal(found.Front.Concat(found.Uniform).Min(point => point.FileBytes), found.Nearest.FileBytes);
    }

    /// <summary>Of points that keep the budget and cost nearly the same, the one that agrees most is best.</summary>
    [Fact]
    public void Agreement_decides_between_equals()
    {
        var settings = new SearchSettings(new(SearchMeasure.Drop, 0.5), SearchMeasure.Size, ["mse"]);
        SearchPoint cheap = Point(1000, 0.5, 0.95), alike = Point(1009, 0.4, 0.97), dear = Point(1020, 0.1, 0.99),
            bad = Point(900, 0.6, 0.9);
        Assert.Same(alike, settings.Best([cheap, dear, alike, bad]));
        Assert.Same(cheap, settings.Best([bad, dear, cheap]));
        Assert.Null(settings.Best([bad]));

    }

    /// <summary>A lucky recipe is pulled to what others lose for as many changes; an exact one is not.</summary>
    [Fact]
    public void A_drop_is_estimated_from_all()
    {
        SearchPoint lucky = Point(1, 0, 0.96, error: 0.4);
        SearchPoint[] all = [lucky, Point(1, 1, 0.96, 0.4), Point(1, 0.5, 0.98, 0.4), Point(1, 2, 0.92, 0.4)];
        var estimate = new DropEstimate(all);
        Assert.InRange(estimate.Of(lucky), 0.5, 1);
        Assert.Equal(0, new DropEstimate([Point(1, 0, 0.96), .. all[1..]]).Of(Point(1, 0, 0.96)), 9);
        Assert.InRange(estimate.Of(all[^1]), 1.68, 1.99); // between the line and what was measured
    }

    private static SearchPoint Point(long bytes, double drop, double same, double? error = null) =>
        new(new Recipe(), [], IsUniform: false, 0, 0, bytes, new AnswerQuality(0.9, drop, same, 0, error));

    private SearchOutcome Search(VisionModel model, SearchSettings settings)
    {
        DisjointSets sets = DisjointSets.Split(_calibration, _data, seed: 0, threads: 2, progress: null, default);
        CalibrationSet calibration = CalibrationSet.FromImages(_calibration, model.Preprocessing);
        return new MixtureSearch(model, calibration, sets, settings with { Scopes = [Scope.Linear], Threads = 2 })
            .Run(progress: null, default);
    }

    /// <summary>
    /// A model with one weight of each output of a layer so large that 4 bits leave nothing of the others. It does
    /// nothing, since the norm before makes its input 0.
    /// </summary>
    private static VisionModel MadeSensitive()
    {
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        const float factor = 8; // 8 bits leave 16 levels on each side
        FloatTensor weight = model.Weights[Sensitive], norm = model.Weights["layers.1.norm.weight"];
        int columns = weight.Shape[1];
        for (int row = 0; row < weight.Shape[0]; row++)
        {
            Span<float> values = weight.Span.Slice(row * columns, columns);
            values[0] = factor * TensorPrimitives.MaxMagnitude<float>(values);
        }
        norm.Span[0] = 0;
        return model;
    }
}
