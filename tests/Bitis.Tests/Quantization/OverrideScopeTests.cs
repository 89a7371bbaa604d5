using Bitis.Cli.Input;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Models.Reference;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

/// <summary>Overrides change the bits and the scope of layers and scans.</summary>
public sealed class OverrideScopeTests
{
    private static readonly VisionModel Model = MicroModel.Load();
    private static readonly Recipe Ssm = new() { Method = "minmax", Scope = Scope.Ssm };

    [Theory]
    [InlineData("a=w4a8", "w4a8", null)]
    [InlineData("a=ssm", null, Scope.Ssm)]
    [InlineData("a=w4a8,full", "w4a8", Scope.Full)]
    public void An_override_is_read_and_written(string text, string? bits, Scope? scope)
    {
        var entry = SiteOverride.Parse(text);
        Assert.Equal(new SiteOverride("a", bits is null ? null : BitWidths.Parse(bits), scope), entry);
        Assert.Equal(text, entry.ToString());
    }

    [Theory]
    [InlineData("a")]
    [InlineData("=ssm")]
    [InlineData("a=")]
    [InlineData("a=ssm,w4a8")]
    [InlineData("a=w4a8,ssm,full")]
    [InlineData("a=Ssm")]
    public void Other_texts_are_refused(string text) =>
        Assert.Throws<BitisException>(() => SiteOverride.Parse(text));

    [Fact]
    public void An_override_reaches_scans()
    {
        QuantizedModel mixed = Quantize(Ssm with
        {
            Overrides = [SiteOverride.Parse("layers.0.*=float"), SiteOverride.Parse("layers.1.*=linear"),
                SiteOverride.Parse("layers.2.*scan*=w8a6")],
        });
        Assert.DoesNotContain(mixed.Scans.Keys, name => IsIn(name, 0) || IsIn(name, 1));
        Assert.DoesNotContain(mixed.Layers.Keys, name => IsIn(name, 0));
        Assert.Contains(mixed.Layers.Keys, name => IsIn(name, 1));
        Assert.All(mixed.Scans, pair => Assert.Equal(IsIn(pair.Key, 2) ? 6 : 8, pair.Value.HiddenState.Bits));
        Assert.Contains(mixed.Scans.Keys, name => IsIn(name, 2));
        IReadOnlyList<string> left = new SiteSelection(mixed.Recipe, mixed.Graph).LeftAlone;
        Assert.All(left, name => Assert.True(IsIn(name, 0) || (IsIn(name, 1) && name.Contains("scan"))));
        Assert.Contains("layers.0.mixer.in_proj", left);
    }

    /// <summary>The recipe's own scope takes nothing here, so its layers cannot be the example of a name.</summary>
    [Fact]
    public void An_override_without_a_match_is_refused_where_another_takes_all_layers()
    {
        var config = new ResNetConfig { ImageSize = 8, Width = 8, Depths = [1, 1], Groups = 2, Classes = 3 };
        var recipe = new Recipe
        {
            Method = "minmax",
            Overrides = [SiteOverride.Parse("*=full"), SiteOverride.Parse("*head*=ssm")],
        };
        BitisException e = Assert.Throws<BitisException>(() => recipe.Select(config.BuildGraph()));
        Assert.StartsWith(
            "The override '*head*' matches no operator in scope 'linear'; their names are like 'conv1'", e.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_scope_for_some_layers_is_wider_than_the_recipes()
    {
        QuantizedModel mixed = Quantize(Ssm with
        {
            Scope = Scope.Linear,
            Overrides = [SiteOverride.Parse("layers.1.*=full"), SiteOverride.Parse("head=full")],
        });
        Assert.NotEmpty(mixed.Scans);
        Assert.All(mixed.Scans.Keys, name => Assert.True(IsIn(name, 1)));
        Assert.Contains(mixed.Layers.Keys, name => IsIn(name, 1) && name.Contains("conv"));
        Assert.DoesNotContain(mixed.Layers.Keys, name => IsIn(name, 0) && name.Contains("conv"));
        Assert.Contains("head", mixed.Layers.Keys);
    }

    [Theory]
    [InlineData("minmax", "layers.0.*=float layers.1.*=linear")]
    [InlineData("minmax", "layers.0.mixer.scan=float")] // one direction of a block
    [InlineData("qmamba+", "layers.0.*=linear layers.1.*scan*=w8a6")]
    public void Integers_compute_what_the_simulation_does(string method, string overrides)
    {
        QuantizedModel mixed = Quantize((Ssm with
        {
            Method = method,
            Overrides = [.. overrides.Split(' ').Select(SiteOverride.Parse)],
        }).WithSteps(2));
        FloatTensor images = MicroModel.Images(Model, 3, seed: 5);
        using var evaluator = new VectorizedEvaluator();
        var simulated = new SimulatedEvaluator(evaluator, mixed.Layers, mixed.Scans);
        FloatTensor expected =
            new GraphExecutor(mixed.Graph, mixed.DequantizeWeights(), simulated).Run(images);
        using InferenceSession session = InferenceSession.Create(mixed);
        TensorAssert.Same(expected, session.Run(images));
        using var folder = new TempFolder();
        mixed.Save(folder["x.bitis"]);
        using InferenceSession loaded = InferenceSession.Load(folder["x.bitis"]);
        TensorAssert.Same(expected, loaded.Run(images));
        Assert.Equal(mixed.Recipe, QuantizedModel.Load(folder["x.bitis"]).Recipe);
    }

    [Theory]
    [InlineData(Scope.Linear, "*scan*=w8a8", "'*scan*' matches no operator")]
    [InlineData(Scope.Linear, "head=float", "'head' matches no operator")]
    [InlineData(Scope.Ssm, "nothing=linear", "'nothing' matches no operator")]
    [InlineData(Scope.Ssm, "layers.0.*=ssm", "the scope that the recipe has")]
    public void What_does_nothing_is_refused(Scope scope, string text, string words)
    {
        Recipe recipe = Ssm with { Scope = scope, Overrides = [SiteOverride.Parse(text)] };
        Assert.Contains(words, Assert.Throws<BitisException>(() => recipe.Select(Model.Graph)).Message);
    }

    [Fact]
    public void A_recipe_file_has_scopes()
    {
        using var folder = new TempFolder();
        string file = folder.WriteText(
            "recipe.json", """{ "scope": "ssm", "overrides": [{ "pattern": "layers.0.*", "scope": "linear" }] }""");
        Assert.Equal([new SiteOverride("layers.0.*", Scope: Scope.Linear)], RecipeFile.Load(file).Overrides);
        string empty = folder.WriteText("empty.json", """{ "overrides": [{ "pattern": "layers.0.*" }] }""");
        Assert.Contains("neither", Assert.Throws<BitisException>(() => RecipeFile.Load(empty)).Message);
    }

    private static bool IsIn(string name, int block) => name.StartsWith($"layers.{block}.", StringComparison.Ordinal);

    private static QuantizedModel Quantize(Recipe recipe) => MicroModel.Quantize(Model, recipe);
}
