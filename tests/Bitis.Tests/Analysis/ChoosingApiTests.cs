using Bitis.Analysis.Results;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Xunit.Abstractions;

namespace Bitis.Tests.Analysis;

/// <summary>Comparing, ranking and searching without the command line.</summary>
[Trait("Speed", "Slow")]
public sealed class ChoosingApiTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ITestOutputHelper _output;
    private readonly VisionModel _model = VisionModel.LoadShipped("vim-micro-builtin");
    private readonly ImageSource _images = new BuiltInImageSource(BuiltInSplit.Test).Take(40, seed: 2);
    private readonly CalibrationSet _calibration;

    public ChoosingApiTests(ITestOutputHelper output)
    {
        _output = output;
        _calibration = CalibrationSet.FromImages(
            new BuiltInImageSource(BuiltInSplit.Train), _model.Preprocessing, count: 16);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_example_runs()
    {
        ChoosingExample.Run(_folder.Path + Path.DirectorySeparatorChar, _output);
        Assert.NotEmpty(Directory.GetFiles(_folder["search.work"]));
    }

    [Fact]
    public void The_page_shows_what_runs()
    {
        string page = File.ReadAllText(Path.Combine(ReadmeTests.Root, "docs", "choosing.md"));
        string[] source = File.ReadAllLines(
            Path.Combine(ReadmeTests.Root, "tests", "Bitis.Tests", "Analysis", "ChoosingExample.cs"));
        IEnumerable<string> usings = source
            .Where(line => line.StartsWith("using Bitis", StringComparison.Ordinal))
            .Prepend("using Bitis;"); // the test stands in a namespace below it
        int start = Array.FindIndex(source, line => line.EndsWith("// docs", StringComparison.Ordinal)) + 1;
        IEnumerable<string> example = source.Skip(start)
            .TakeWhile(line => !line.EndsWith("// end", StringComparison.Ordinal))
            .Select(line => (line.Length > 8 ? line[8..] : "")
                .Replace("folder + ", "", StringComparison.Ordinal)
                .Replace("output.WriteLine", "Console.WriteLine", StringComparison.Ordinal));
        Assert.Equal(
            page.Split("```csharp\n")[1].Split("\n```")[0], string.Join('\n', [.. usings, "", .. example]));
    }

    [Fact]
    public void A_comparison_gives_what_each_model_measures()
    {
        Recipe[] recipes = [new() { Method = "minmax" }, new() { Method = "mse", Bits = new BitWidths(4, 4) }];
        var progress = new List<string>();
        IReadOnlyList<ComparedModel> rows = ModelComparison.Run(
            _model, _calibration, _images, recipes,
            new ComparisonOptions { LatencyRuns = 5, Progress = new Listed(progress) });
        Assert.Equal(["float32", "minmax w8a8 linear", "mse w4a4 linear"], rows.Select(row => row.Name));
        Assert.Equal(recipes, rows.Skip(1).Select(row => row.Recipe));
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(_model, _calibration, recipes[1]);
        using InferenceSession session = InferenceSession.Create(quantized), original = InferenceSession.Create(_model);
        EvaluationResult expected =
            new Evaluator(session.Run, _model.Config.Classes, _model.ClassNames, original.Run).Run(
                _images, _model.Preprocessing);
        Assert.Equal(expected.Top1, rows[2].Top1);
        Assert.Equal(expected.Agreements[0].Top1, rows[2].SameTop1);
        Assert.Equal(quantized.Save(Stream.Null), rows[2].FileBytes);
        Assert.Null(rows[0].SameTop1);
        Assert.All(rows, row => Assert.True(row is { Images: 40, Labeled: 40, LatencyMs: > 0, FloatLatencyMs: > 0 }));
        Assert.Contains("mse w4a4 linear", progress);
    }

    [Fact]
    public void A_ranking_joins_several_bits_and_resumes()
    {
        var recipe = new Recipe { Method = "minmax", Bits = new BitWidths(8, 8) };
        var options = new SensitivityOptions
        {
            OtherBits = [new BitWidths(8, 2)],
            ExactSites = 3,
            WorkFolder = _folder["work"],
        };
        SiteRanking first = SensitivityAnalysis.Run(_model, _calibration, _images, recipe, options);
        Assert.Equal((40, 40, 3, 0), (first.Images, first.Labeled, first.Exact, first.Resumed));
        Assert.Equal(2, first.All.Count);
        Assert.True(first.All[1].LogitSnrDb < first.All[0].LogitSnrDb);
        // Weights have 8 bits in both recipes, so they are there once.
        SiteSensitivity[] weights = [.. first.Sites.Where(site => site.Kind == "weight")];
        Assert.Equal(weights.Length, weights.Select(site => site.Site).Distinct().Count());
        Assert.Equal(2 * weights.Length, first.Sites.Count(site => site.Kind == "input"));
        Assert.Equal(2, first.Sites[0].Bits);
        Assert.Equal(first.Sites.OrderByDescending(site => site.Score), first.Sites);
        SiteRanking second = SensitivityAnalysis.Run(_model, _calibration, _images, recipe, options);
        Assert.Equal(3, second.Resumed);
        Assert.Equal(first.Sites, second.Sites);
    }

    [Fact]
    public void What_cannot_be_done_is_refused_before_the_work()
    {
        Assert.Throws<ArgumentException>(() => ModelComparison.Run(_model, _calibration, _images, []));
        Refused("'nonsense'", () => ModelComparison.Run(
            _model, _calibration, _images, [new() { Method = "nonsense" }]));
        Refused("as a whole", () => SensitivityAnalysis.Run(
            _model, _calibration, _images, new Recipe { Method = "ptq4vm" }));
        SearchSettings settings = new(SearchBudget.Parse("drop<=1"), SearchMeasure.Size, ["mse"]);
        Search("the drop is to be small, not the size", settings with { Budget = SearchBudget.Parse("size<=1MB") });
        Search("latency or size is to be small", settings with { Goal = SearchMeasure.Drop });
        Search("at least one", settings with { Scopes = [] });
        Search("'nonsense'", settings with { Methods = ["nonsense"] });
        Search("float32 is always a choice", settings with { Bits = [BitWidths.None] });
        Refused("from images, not from tensors", () => RecipeSearch.Run(
            _model, CalibrationSet.FromTensors(new FloatTensor([1, 3, 32, 32])), _images, settings));
        using ImageSource unlabeled = new InMemoryImageSource([_images.ReadLabeled(0) with { Label = null }], null);
        Refused("need labels", () => RecipeSearch.Run(_model, _calibration, unlabeled, settings));
        Refused("also in the calibration", () => RecipeSearch.Run(
            _model, CalibrationSet.FromImages(_images, _model.Preprocessing), _images, settings));

        void Search(string message, SearchSettings wrong) =>
            Refused(message, () => RecipeSearch.Run(_model, _calibration, _images, wrong));

        static void Refused(string message, Action run) =>
            Assert.Contains(message, Assert.Throws<BitisException>(run).Message, StringComparison.Ordinal);
    }

    private sealed class Listed(List<string> details) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value)
        {
            if (value.Detail is { } detail)
                details.Add(detail);
        }
    }
}
