using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Bitis.Cli.Input;
using Bitis.Json;
using Bitis.Models;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests;

/// <summary>
/// Every place in every JSON that is read: null, a missing member, and a value of another kind have one message.
/// </summary>
public sealed class JsonPlacesTests
{
    private static readonly JsonSerializerOptions FileOptions = (JsonSerializerOptions)typeof(JsonFile)
        .GetFields(BindingFlags.Static | BindingFlags.NonPublic)
        .Single(field => field.FieldType == typeof(JsonSerializerOptions))
        .GetValue(null)!;

    private static readonly Dictionary<string, JsonTypeInfo> Types = FindTypes();

    private const string Scales = "one of \"token\", \"tensor\", \"auto\"";

    private const string VimMembers =
        "one of family, patchSize, stride, width, depth, innerWidth, stateSize, deltaRank, convKernel, classToken, "
        + "halvesDirections, norm, normEpsilon, imageSize, imageChannels, classes";

    /// <summary>What is expected of a family; tests may have registered others.</summary>
    private const string Families =
        "one of \"vim\", \"vmamba\", \"localvmamba\", \"localvim\", \"vmamba-segmentation\", \"vit\", \"resnet\", "
        + "\"graph\"";

    public static TheoryData<string> Names => [.. Types.Keys];

    [Fact]
    public void There_are_types_to_look_at() => Assert.InRange(Types.Count, 15, 100);

    [Theory]
    [MemberData(nameof(Names))]
    public void Null_is_refused_with_its_place_unless_it_may_be_there(string name)
    {
        var sample = new JsonSample(Types[name]);
        (string text, IReadOnlyList<JsonPlace> places) = sample.Create();
        Read(name, text);
        Assert.NotEmpty(places);
        foreach (JsonPlace place in places)
        {
            string changed = sample.With(place, value: null);
            if (place.MayBeNull)
            {
                Read(name, changed);
                continue;
            }
            StrictJsonException e = Assert.Throws<StrictJsonException>(() => Read(name, changed));
            Assert.Equal((place.Path, "null was found"), (e.Path, e.Problem));
            Assert.NotEmpty(e.Expected!);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_value_of_another_kind_is_refused_with_its_place(string name)
    {
        var sample = new JsonSample(Types[name]);
        foreach (JsonPlace place in sample.Create().Places)
        {
            string changed = sample.With(place, new JsonArray(new JsonArray(new JsonArray())));
            StrictJsonException e = Assert.Throws<StrictJsonException>(() => Read(name, changed));
            Assert.StartsWith(place.Path, e.Path, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_missing_member_that_may_not_be_null_is_named(string name)
    {
        var sample = new JsonSample(Types[name]);
        IReadOnlyList<JsonPlace> places = sample.Create().Places;
        foreach (JsonPlace place in places.Where(place => place is { IsMember: true, MayBeNull: false }))
        {
            string changed = sample.Without(place);
            StrictJsonException e = Assert.Throws<StrictJsonException>(() => Read(name, changed));
            string[] parts = place.Path.Split('.');
            Assert.Equal((string.Join('.', parts[..^1]), $"'{parts[^1]}' is missing"), (e.Path, e.Problem));
        }
    }

    [Theory]
    [InlineData("""{"epochs":"many"}""", "epochs", "\"many\" was found", "a whole number below 2³¹")]
    [InlineData("""{"epochs":1.5}""", "epochs", "1.5 was found", "a whole number below 2³¹")]
    [InlineData("""{"beta1":1e999}""", "beta1", "1e999 was found", "a smaller number")]
    [InlineData(
        """{"backward":{"scale":"Token, Tensor"}}""", "backward.scale", "\"Token, Tensor\" was found", Scales)]
    [InlineData("""{"backward":{"scale":"TOKEN"}}""", "backward.scale", "\"TOKEN\" was found", Scales)]
    [InlineData("""{"backward":{"scale":1}}""", "backward.scale", "1 was found", Scales)]
    [InlineData("""{"freeze":[],"freeze":[]}""", "freeze", "this member is there twice", null)]
    [InlineData("""{"freeze":["x",null]}""", "freeze[1]", "null was found", "text")]
    [InlineData("""{"freeze":["\ud800"]}""", "freeze[0]", "text that is not Unicode was found", "text")]
    [InlineData("""{"\ud800":1}""", "", "text that is not Unicode was found", "text")]
    [InlineData("""{"config":{"family":"vgg"}}""", "config.family", "\"vgg\" was found", Families)]
    [InlineData("null", "", "null was found", "an object")]
    [InlineData("""{"config":{"family":"vim","tokens":5}}""", "config.tokens", "there is no such member", VimMembers)]
    public void Messages_say_what_was_found_and_expected(string text, string path, string problem, string? expected)
    {
        StrictJsonException e = Assert.Throws<StrictJsonException>(() => ReadRecipe(text));
        Assert.Equal((path, problem), (e.Path, e.Problem));
        if (expected == Families)
            Assert.StartsWith(expected, e.Expected, StringComparison.Ordinal);
        else
            Assert.Equal(expected, e.Expected);
    }

    [Fact]
    public void The_line_is_that_of_the_value()
    {
        const string Text = "{\n\"seed\": 1,\n\"epochs\":\n\"x\"}";
        StrictJsonException e = Assert.Throws<StrictJsonException>(() => ReadRecipe(Text));
        Assert.Equal(4, e.Line);
    }

    private static TrainingRecipe ReadRecipe(string text) => StrictJson.Read(
        text, (JsonTypeInfo<TrainingRecipe>)FileOptions.GetTypeInfo(typeof(TrainingRecipe)), isComplete: false);

    /// <summary>What the contexts name, all forms of a record that has several, and the files of people.</summary>
    private static Dictionary<string, JsonTypeInfo> FindTypes()
    {
        var types = new Dictionary<string, JsonTypeInfo>();
        IEnumerable<Type> contexts =
            typeof(StrictJson).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(JsonSerializerContext)));
        foreach (Type context in contexts)
        {
            PropertyInfo instance = context.GetProperty("Default", BindingFlags.Static | BindingFlags.Public)!;
            JsonSerializerOptions options = ((JsonSerializerContext)instance.GetValue(null)!).Options;
            foreach (Type root in context.GetCustomAttributesData()
                .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
                .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!)
                .Where(type => type != typeof(ModelConfig)) // the forms of its families are roots of their own
                .Where(
                    type => options.GetTypeInfo(type).Properties.Count > 0
                        || !type.Name.StartsWith("No", StringComparison.Ordinal)))
            {
                var forms = root.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(derived => derived.DerivedType);
                foreach (Type type in forms.Prepend(root))
                    types.Add($"{context.Name} {type}", options.GetTypeInfo(type));
            }
        }
        foreach (Type type in (Type[])[typeof(RecipeDocument), typeof(TrainingRecipe)])
            types.Add($"file {type}", FileOptions.GetTypeInfo(type));
        return types;
    }

    /// <summary>Reads through the door.</summary>
    private static void Read(string name, string text) => typeof(StrictJson).GetMethod(nameof(StrictJson.Read))!
        .MakeGenericMethod(Types[name].Type)
        .Invoke(null, BindingFlags.DoNotWrapExceptions, binder: null, [text, Types[name], true], culture: null);
}
