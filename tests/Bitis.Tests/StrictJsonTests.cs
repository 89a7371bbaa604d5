using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Bitis.Cli.Input;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Data.Resampling;
using Bitis.Execution.LowBit;
using Bitis.Json;
using Bitis.Models;
using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;
using Bitis.Quantization.Files;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Training.Loop;

namespace Bitis.Tests;

/// <summary>
/// What no JSON may hold is refused everywhere: each context and each option of the assemblies, found by reflection.
/// </summary>
public sealed class StrictJsonTests
{
    private static readonly Assembly[] Assemblies = [typeof(StrictJson).Assembly, typeof(RecipeFile).Assembly];

    private static readonly Type[] Contexts =
        [
            .. Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(
                type => type.IsSubclassOf(typeof(JsonSerializerContext))),
        ];

    public static TheoryData<string> ContextNames => [.. Contexts.Select(type => type.FullName!)];

    [Fact]
    public void There_are_contexts_to_look_at() => Assert.InRange(Contexts.Length, 4, 100);

    [Theory]
    [MemberData(nameof(ContextNames))]
    public void Each_context_is_strict_and_takes_enums_by_name_only(string name)
    {
        JsonSerializerContext context = ContextOf(name);
        Assert.True(StrictJson.IsStrict(context.Options));
        foreach (Type type in EnumsIn(context))
            AssertTakesNamesOnly(type, context.Options);
    }

    [Fact]
    public void The_options_of_hand_written_files_are_strict_and_take_enums_by_name_only()
    {
        FieldInfo[] fields =
        [
            .. Assemblies.SelectMany(assembly => assembly.GetTypes())
                .SelectMany(
                    type => type.GetFields(
                        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Where(
                    field => field.FieldType == typeof(JsonSerializerOptions)
                        && !field.DeclaringType!.IsSubclassOf(typeof(JsonSerializerContext))),
        ];
        // What is written only is not read by anything of ours.
        FieldInfo field = Assert.Single(fields, field => field.DeclaringType!.Name != "JsonOutput");
        var options = (JsonSerializerOptions)field.GetValue(null)!;
        Assert.True(StrictJson.IsStrict(options));
        foreach (Type type in
            Assemblies.SelectMany(assembly => assembly.GetTypes())
                .Where(type => type.IsEnum && type.IsPublic && !type.IsDefined(typeof(FlagsAttribute))))
        {
            AssertTakesNamesOnly(type, options);
        }
    }

    [Fact]
    public void All_public_enums_are_names_in_the_json_of_whoever_uses_the_library()
    {
        Type[] enums = [.. typeof(StrictJson).Assembly.GetExportedTypes().Where(type => type.IsEnum)];
        Assert.InRange(enums.Length, 6, 100);
        foreach (Type type in enums)
            AssertTakesNamesOnly(type, new JsonSerializerOptions());
    }

    /// <summary>Reading goes through one door: no code but it and its inspector calls the serializer to read.</summary>
    [Fact]
    public void Texts_of_any_value_are_Unicode()
    {
        const string Recipe =
            """{"method":"mse","settings":{"a":[1,{"b":"TEXT"}]},"bits":"w8a8","scope":"Linear","overrides":[]}""";
        JsonTypeInfo<RecipeDocument> type = QuantizedModelJson.Default.RecipeDocument;
        Assert.NotNull(StrictJson.Read(Recipe, type, isComplete: false));
        string damaged = Recipe.Replace("TEXT", "\\ud800");
        StrictJsonException e = Assert.Throws<StrictJsonException>(
            () => StrictJson.Read(damaged, type, isComplete: false));
        Assert.Equal("text that is not Unicode was found", e.Problem);
    }

    [Fact]
    public void Nothing_else_deserializes()
    {
        string[] readers =
        [
            .. Directory.EnumerateFiles(Path.Combine(ReadmeTests.Root, "src"), "*.cs", SearchOption.AllDirectories)
                .Where(
                    file => Regex.IsMatch(
                        File.ReadAllText(file),
                        @"JsonSerializer\s*\.\s*Deserialize|JsonNode\.Parse",
                        RegexOptions.None,
                        TimeSpan.FromSeconds(1)))
                .Select(file => Path.GetFileName(file)),
        ];
        Assert.Equal(
            ["JsonInspector.cs", "ModelConfigConverter.cs", "StrictJson.cs"], readers.Order(StringComparer.Ordinal));
    }

    public static TheoryData<string> BadConfigs => new()
    {
        Config.Replace("\"Middle\"", "3"),
        Config.Replace("\"Middle\"", "\"3\""),
        Config.Replace("\"Middle\"", "\"Middle, First\""),
        Config.Replace("\"Middle\"", "null"),
        Config.Replace("\"Middle\"", "\"Nowhere\""),
        Config.Replace("1E-05", "1e999"),
        Config.Replace("1E-05", "\"NaN\""),
        Config.Replace("\"halvesDirections\":true,", ""), // would be false
        Config.Replace("\"stateSize\":16,", ""), // would be 0
        Config.Replace("\"depth\":2,", ""),
        Config.Replace("\"depth\":2", "\"depth\":2,\"depth\":3"),
        Config.Replace("\"depth\":2", "\"Depth\":2"),
        Config.Replace("\"depth\":2", "\"depth\":2,\"deepness\":2"),
        Config.Replace("\"depth\":2", "\"depth\":2.5"),
        Config.Replace("\"depth\":2", "\"depth\":2147483648"),
        Config.Replace("\"family\":\"vim\",", ""),
        Config + " x",
    };

    private const string Config =
        """{"family":"vim","patchSize":4,"stride":4,"width":8,"depth":2,"innerWidth":16,"stateSize":16,"deltaRank":"""
        + """1,"convKernel":4,"classToken":"Middle","halvesDirections":true,"norm":"Rms","normEpsilon":"""
        + """1E-05,"imageSize":8,"imageChannels":3,"classes":3}""";

    [Fact]
    public void A_config_as_it_is_written_is_read() =>
        Assert.NotNull(StrictJson.Read(Config, ModelJson.Default.ModelConfig));

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void A_config_that_says_something_else_is_refused(string text)
    {
        Assert.NotEqual(Config, text);
        Assert.Throws<StrictJsonException>(() => StrictJson.Read(text, ModelJson.Default.ModelConfig));
    }

    [Fact]
    public void Nulls_in_lists_and_dictionaries_are_refused_with_their_place()
    {
        AssertRefused(
            "x", () => StrictJson.Read("""{"x":null}""", QuantizedModelJson.Default.DictionaryStringScanDescription));
        AssertRefused("[1]", () => StrictJson.Read("""["a",null]""", ModelJson.Default.IReadOnlyListString));
        string recipe =
            JsonSerializer.Serialize(RecipeDocument.Of(new Recipe()), QuantizedModelJson.Default.RecipeDocument);
        AssertRefused("overrides[0]", () =>
            StrictJson.Read(recipe.Replace("[]", "[null]"), QuantizedModelJson.Default.RecipeDocument));
        string training = JsonSerializer.Serialize(new TrainingRecipe(), TrainingJson.Default.TrainingRecipe);
        AssertRefused("freeze[0]", () =>
            StrictJson.Read(
                training.Replace("\"freeze\": []", "\"freeze\": [null]"), TrainingJson.Default.TrainingRecipe));
    }

    [Fact]
    public void A_missing_sub_record_is_refused()
    {
        string recipe = JsonSerializer.Serialize(new TrainingRecipe(), TrainingJson.Default.TrainingRecipe);
        using var document = JsonDocument.Parse(recipe);
        foreach (JsonProperty member in
            document.RootElement.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null))
        {
            var rest = document.RootElement.EnumerateObject().Where(other => other.Name != member.Name)
                .ToDictionary(other => other.Name, other => other.Value);
            AssertRefused(
                "", () => StrictJson.Read(JsonSerializer.Serialize(rest), TrainingJson.Default.TrainingRecipe));
        }
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        string deep = new string('[', StrictJson.MaxDepth + 1) + new string(']', StrictJson.MaxDepth + 1);
        Assert.Throws<StrictJsonException>(
            () => StrictJson.Read($$"""{"x":{{deep}}}""", QuantizedModelJson.Default.DictionaryStringScanDescription));
    }

    [Fact]
    public void Lax_options_are_a_defect()
    {
        var lax = new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
        Assert.Throws<ArgumentException>(
            () => StrictJson.Read("{}", (JsonTypeInfo<Recipe>)lax.GetTypeInfo(typeof(Recipe))));
    }

    [Theory]
    [InlineData("""{ "scope": 2 }""")]
    [InlineData("""{ "scope": "2" }""")]
    [InlineData("""{ "decay": 7, "scope": "full" }""")]
    [InlineData("""{ "overrides": [ null ] }""")]
    [InlineData("""{ "overrides": [ { "pattern": null, "bits": "w8a8" } ] }""")]
    [InlineData("""{ "alpha": 1e999 }""")]
    [InlineData("""{ "method": "mse", "method": "minmax" }""")]
    public void Recipe_files_are_read_through_the_same_door(string text)
    {
        using var folder = new TempFolder();
        string path = folder.Write("recipe.json", System.Text.Encoding.UTF8.GetBytes(text));
        Assert.StartsWith(
            path, Assert.Throws<BitisException>(() => RecipeFile.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Undefined_enum_values_from_code_are_refused()
    {
        var vim = (VimConfig)StrictJson.Read(Config, ModelJson.Default.ModelConfig)!;
        ModelConfig[] configs =
        [
            vim with { ClassToken = (ClassTokenPosition)3 },
            vim with { Norm = (NormKind)(-1) },
            Fuzz.MicroModels.Configs["vmamba"] is VMambaConfig vmamba ? vmamba with { Stem = (StemKind)9 } : null!,
            (VMambaConfig)Fuzz.MicroModels.Configs["vmamba"] with { Downsampling = (DownsamplingKind)9 },
            (LocalVimConfig)Fuzz.MicroModels.Configs["localvim"] with { Norm = (NormKind)9 },
        ];
        Assert.All(configs, config => Assert.Throws<BitisException>(config.Validate));
        Assert.Throws<BitisException>(new ModelOptions { ClassToken = (ClassTokenPosition)3 }.Validate);
        Assert.Throws<BitisException>((Preprocessing.ImageNet224 with { Interpolation = (Interpolation)9 }).Validate);
        Assert.Throws<BitisException>(new Recipe { Scope = (Scope)9 }.Validate);
        Assert.Throws<BitisException>(new Recipe { Scope = Scope.Full, Decay = (DecaySpacing)9 }.Validate);
        Assert.Throws<BitisException>(new Recipe { ActivationGranularity = (Granularity)9 }.Validate);
        Assert.Throws<BitisException>(new BackwardPolicy { Basis = (TokenBasis)9 }.Validate);
        Assert.Throws<BitisException>(new BackwardPolicy { Scale = (GradientScale)9 }.Validate);
        Assert.Throws<ArgumentException>(() => UniformQuantizer.Symmetric(8, (Granularity)9, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BuiltInImageSource((BuiltInSplit)9));
    }

    private static JsonSerializerContext ContextOf(string name) =>
        (JsonSerializerContext)Contexts.Single(type => type.FullName == name)
        .GetProperty("Default", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!;

    /// <summary>The enums in what a context reads, wherever they are.</summary>
    private static HashSet<Type> EnumsIn(JsonSerializerContext context)
    {
        var seen = new HashSet<Type>();
        var open = new Stack<Type>(context.GetType().GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute)).Select(
                attribute => (Type)attribute.ConstructorArguments[0].Value!));
        while (open.TryPop(out Type? type))
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (!seen.Add(type) || type == typeof(string) || type.IsPrimitive)
                continue;
            foreach (Type argument in type.GetGenericArguments())
                open.Push(argument);
            foreach (JsonDerivedTypeAttribute derived in type.GetCustomAttributes<JsonDerivedTypeAttribute>())
                open.Push(derived.DerivedType);
            if (typeof(IEnumerable).IsAssignableFrom(type))
                continue;
            foreach (PropertyInfo property in
                type.GetProperties().Where(property => property.CanWrite && property.GetIndexParameters().Length == 0))
            {
                open.Push(property.PropertyType);
            }
        }
        return [.. seen.Where(type => type.IsEnum)];
    }

    private static void AssertTakesNamesOnly(Type type, JsonSerializerOptions options)
    {
        object value = Enum.GetValues(type).GetValue(0)!;
        string name = JsonSerializer.Serialize(value, type, options);
        Assert.StartsWith("\"", name, StringComparison.Ordinal);
        Assert.Equal(value, JsonSerializer.Deserialize(name, type, options));
        foreach (string other in
            (string[])["0", "3", "\"0\"", "\"77\"", "\"Nothing of the kind\"", "1.5", "true", "null"])
        {
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(other, type, options));
        }
    }

    private static void AssertRefused(string path, Func<object?> read) =>
        Assert.Equal(path, Assert.Throws<StrictJsonException>(read).Path);
}
