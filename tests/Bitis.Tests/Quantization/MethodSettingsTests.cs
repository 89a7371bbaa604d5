using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

/// <summary>Settings of methods, and what recipes do with them.</summary>
public sealed class MethodSettingsTests
{
    private static readonly JsonSerializerOptions Lax = new() { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    public static TheoryData<string> Methods => [.. BuiltInMethods.All.Select(method => method.Name)];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Recipes_come_back_from_json_as_they_were(string method)
    {
        var usual = new Recipe { Method = method };
        Recipe said = usual with { Settings = QuantizationMethod.Find(method).UsualSettings };
        foreach (Recipe recipe in (Recipe[])[usual, said, said.WithSteps(7)])
        {
            string text = JsonSerializer.Serialize(recipe);
            Assert.Equal(recipe, JsonSerializer.Deserialize<Recipe>(text));
            Assert.DoesNotContain("percentile\":99.99,\"", text, StringComparison.Ordinal);
        }
        Assert.Equal(usual.Behavior.Learning, said.Behavior.Learning);
        Assert.Empty(said.SettingChanges());
    }

    [Fact]
    public void Changes_leave_the_other_settings_as_they_are()
    {
        var settings = new Ptq4vmSettings { Official = true, Learning = new() { Steps = 3, BatchSize = 5 } };
        var recipe = new Recipe { Method = "ptq4vm", Settings = settings };
        Recipe changed = recipe.WithSettings(Json("""{ "alpha": 0.25, "learning": { "steps": 9 } }"""));
        Assert.Equal(settings with { Alpha = 0.25, Learning = new() { Steps = 9, BatchSize = 5 } }, changed.Settings);
        JsonObject expected =
            Json("""{ "alpha": 0.25, "learning": { "steps": 9, "batchSize": 5 }, "official": true }""");
        Assert.True(JsonNode.DeepEquals(expected, changed.SettingChanges()));
    }

    [Fact]
    public void Another_method_takes_over_what_was_said_or_refuses_it()
    {
        var recipe = new Recipe { Method = "ptq4vm", Settings = new Ptq4vmSettings { Alpha = 0.25 } };
        Assert.Equal(new SmoothQuantSettings { Alpha = 0.25 }, recipe.WithMethod("smoothquant").Settings);
        AssertRefused(() => recipe.WithMethod("mse"), "'mse'", "'alpha'");
    }

    [Fact]
    public void Settings_of_another_method_are_refused()
    {
        var recipe = new Recipe { Method = "ptq4vm+", Settings = new Ptq4vmSettings() };
        AssertRefused(recipe.Validate, "'ptq4vm+'", nameof(SmoothedLearningSettings), nameof(Ptq4vmSettings));
        Recipe other = new() { Estimator = new("mse", new PercentileRange()) };
        AssertRefused(other.Validate, "'mse'", nameof(PercentileRange));
    }

    [Fact]
    public void An_estimator_of_the_recipe_takes_the_place_of_the_methods()
    {
        Assert.False(new Recipe().CreateEstimator().NeedsValues); // mse
        Assert.True(new Recipe { Estimator = new("truncation") }.CreateEstimator().NeedsValues);
    }

    /// <summary>Values are kept for the linear layers of blocks alone, by methods that go block by block.</summary>
    [Fact]
    public void An_estimator_that_needs_values_is_refused_where_there_are_none()
    {
        string name = $"values-{Guid.NewGuid()}";
        RangeEstimatorKind.Register(RangeEstimatorKind.Create(name, "of this test", () => new ValuesEstimator()));
        VisionModel model = MicroModel.Load();
        Recipe blockwise = new Recipe { Method = "ptq4vm+", Estimator = new(name) }.WithSteps(0);
        Assert.NotEmpty(MicroModel.Quantize(model, blockwise).Layers);
        Recipe[] others = [blockwise with { Scope = Scope.Full }, new() { Method = "minmax", Estimator = new(name) }];
        foreach (Recipe recipe in others)
            AssertRefused(() => MicroModel.Quantize(model, recipe), "needs all values", "WithoutValues");
    }

    [Fact]
    public void A_name_is_registered_once()
    {
        var registry = new Registry<string>("thing", "Things.Register", name => name, ["ours"]);
        registry.Register("theirs");
        Assert.Equal(["ours", "theirs"], registry.Names);
        Assert.Equal("theirs", registry.Find("theirs"));
        string message = Assert.Throws<ArgumentException>(() => registry.Register("theirs")).Message;
        Assert.Contains("'theirs' already", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => registry.Register("ours"));
        AssertRefused(
            () => registry.Find("none"), "'none'", "ours, theirs", "Things.Register", "before the file is opened");
    }

    [Fact]
    public void Registering_a_method_or_estimator_of_ours_again_is_refused()
    {
        QuantizationMethod method = QuantizationMethod.Create("mse", "", _ => new() { Estimator = new MseEstimator() });
        Assert.Throws<ArgumentException>(() => QuantizationMethod.Register(method));
        RangeEstimatorKind estimator = RangeEstimatorKind.Create("mse", "", () => new MseEstimator());
        Assert.Throws<ArgumentException>(() => RangeEstimatorKind.Register(estimator));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("new\nline")]
    [InlineData("a,b")]
    public void Names_are_words(string name) =>
        Assert.Throws<ArgumentException>(() => QuantizationMethod.Create(name, "", _ => null!));

    [Fact]
    public void Settings_are_read_by_strict_options_alone()
    {
        var json = (JsonTypeInfo<PercentileSettings>)Lax.GetTypeInfo(typeof(PercentileSettings));
        Assert.Throws<ArgumentException>(() => QuantizationMethod.Create("theirs", "", json, (_, _) => null!));
    }

    public static TheoryData<string, MethodBehavior> WrongBehaviors => new()
    {
        { "per tensor or per token", new() { Estimator = new MseEstimator(), Granularity = Granularity.PerChannel } },
        { "rotated", new() { Estimator = new MseEstimator(), Rotates = true, Learning = new() } },
        { "exponent of 2", new() { Estimator = new MseEstimator(), Learning = new() { SmoothingAlpha = 2 } } },
        { "-1 steps", new() { Estimator = new MseEstimator(), Learning = new() { Steps = -1 } } },
        { "batch of 0", new() { Estimator = new MseEstimator(), Learning = new() { BatchSize = 0 } } },
        { "a rate", new() { Estimator = new MseEstimator(), Learning = new() { ScanRate = double.NaN } } },
        { "no estimator", new() { Estimator = null! } },
    };

    [Theory]
    [MemberData(nameof(WrongBehaviors), DisableDiscoveryEnumeration = true)]
    public void What_no_method_can_ask_for_is_refused(string words, MethodBehavior behavior)
    {
        QuantizationMethod method = QuantizationMethod.Create("theirs", "", _ => behavior);
        AssertRefused(() => method.Behavior(null, Scope.Linear), "'theirs'", words);
    }

    /// <summary>Half of the largest value of each group.</summary>
    private sealed class ValuesEstimator : IRangeEstimator
    {
        public bool NeedsHistograms => false;

        public bool NeedsValues => true;

        public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
        {
            float largest = 0;
            foreach (ReadOnlyMemory<float> row in statistics.Values(group))
            {
                foreach (float value in row.Span)
                    largest = Math.Max(largest, Math.Abs(value));
            }
            return new ValueRange(-largest / 2, largest / 2);
        }

        public float WeightMagnitude(ReadOnlySpan<float> weights, int bits) => Math.Max(weights[0], 1);
    }

    private static void AssertRefused(Action act, params string[] words)
    {
        string message = Assert.Throws<BitisException>(act).Message;
        Assert.All(words, word => Assert.Contains(word, message, StringComparison.Ordinal));
    }

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();
}
