using Bitis.Analysis.Results;
using Xunit.Abstractions;

namespace Bitis.Tests.Analysis;

/// <summary>The example of docs/choosing.md; its usings are the page's, too.</summary>
internal static class ChoosingExample
{
    public static void Run(string folder, ITestOutputHelper output)
    {
        // docs
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        using ImageSource train = ImageSource.Open("builtin/train", decoder: null);
        using ImageSource test = ImageSource.Open("builtin/test", decoder: null).Take(120, seed: 0);
        CalibrationSet calibration = CalibrationSet.FromImages(train, model.Preprocessing, count: 32);

        Recipe recipe = new() { Method = "mse", Bits = BitWidths.Parse("w4a8") };
        Recipe[] recipes = [recipe, recipe with { Scope = Scope.Ssm }];
        foreach (ComparedModel row in ModelComparison.Run(model, calibration, test, recipes))
            output.WriteLine($"{row.Name}: {row.Top1:P2}, {row.FileBytes} bytes, {row.LatencyMs:0.000} ms");

        SiteRanking ranking = SensitivityAnalysis.Run(model, calibration, test, recipe);
        output.WriteLine($"{ranking.Sites[0].Site} hurts most");

        SearchSettings settings = new(SearchBudget.Parse("drop<=2"), SearchMeasure.Size, ["mse"])
        {
            Scopes = [Scope.Linear],
            WorkFolder = folder + "search.work",
        };
        RecipeSearchResult found = RecipeSearch.Run(model, calibration, test, settings);
        output.WriteLine(found.Chosen is { } chosen ? $"{chosen.FileBytes} bytes" : "nothing keeps the budget");
        // end
    }
}
