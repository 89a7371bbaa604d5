namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>Recipes of results, in words.</summary>
internal static class RecipeWords
{
    /// <summary>Method, bits and scope.</summary>
    public static string Of(ResultNode recipe)
    {
        int overrides = recipe.ListOrEmpty("overrides").Count;
        return $"{recipe.Text("method")}, {recipe.Text("bits")}, {recipe.Text("scope")}"
            + (overrides == 0 ? "" : $", {DisplayText.Count(overrides, "override")}");
    }
}
