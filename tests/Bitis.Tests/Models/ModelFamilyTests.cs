using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Graphs;
using Bitis.Json;
using Bitis.Models;
using Bitis.Models.Detection;
using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

/// <summary>A family from outside: pooled pixels and one layer.</summary>
public sealed partial class ModelFamilyTests : IDisposable
{
    private static readonly Lazy<PooledFamily> Registered = new(() =>
    {
        var family = new PooledFamily("pooled");
        ModelFamily.Register(family);
        return family;
    });

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_files_open_once_it_is_registered()
    {
        Assert.Contains(Registered.Value, ModelFamilies.All);
        VisionModel model = VisionModel.CreateRandom(Pooled(), seed: 1);
        string path = _folder["pooled.safetensors"];
        model.Save(path);
        using (Checkpoint file = Checkpoint.Open(path))
        {
            Assert.StartsWith(
                "{\"family\":\"pooled\",\"imageSize\":4", file.Metadata["config"], StringComparison.Ordinal);
        }

        Assert.Equal(model.Config, VisionModel.Load(path).Config);
    }

    [Fact]
    public void Its_checkpoints_are_recognized_renamed_and_put_together()
    {
        Assert.Contains(Registered.Value, ModelFamilies.All);
        VisionModel model = VisionModel.CreateRandom(Pooled(), seed: 1);
        string path = _folder["plain.safetensors"];
        FloatTensor weight = model.Weights["pooled_head.weight"], bias = model.Weights["pooled_head.bias"];
        byte[] bytes = [.. weight.Span.ToArray().SelectMany(BitConverter.GetBytes)];
        byte[] biasBytes = [.. bias.Span.ToArray().Concat(new float[2]).SelectMany(BitConverter.GetBytes)];
        foreach (string prefix in (string[])["", "net.pool."])
        {
            SafetensorsWriter.Write(
                path,
                [
                    new($"{prefix}old_head.weight", DType.Float32, weight.Shape, bytes),
                    new($"{prefix}old_head.biases", DType.Float32, [4], biasBytes),
                ]);
            VisionModel loaded = VisionModel.Load(path, new ModelOptions { ImageSize = 4 });
            Assert.Equal(model.Config, loaded.Config);
            TensorAssert.Same(weight, loaded.Weights["pooled_head.weight"]);
            TensorAssert.Same(bias, loaded.Weights["pooled_head.bias"]);
        }
        Assert.Contains("--stride does not apply to a Pooled", Assert.Throws<BitisException>(
            () => VisionModel.Load(path, new ModelOptions { ImageSize = 4, Stride = 2 })).Message);
    }

    [Fact]
    public void A_family_that_nobody_registered_is_named()
    {
        string message = Assert.Throws<StrictJsonException>(
            () => StrictJson.Read("""{"family":"crocodile","teeth":60}""", ModelJson.Default.ModelConfig)).Message;
        Assert.Contains("family: \"crocodile\" was found; expected one of \"vim\", \"vmamba\"", message);
        Assert.Contains("FromGraph", message);
        Assert.Contains("No family has architectures of the type LostConfig", Assert.Throws<BitisException>(
            () => VisionModel.CreateRandom(new LostConfig { ImageSize = 4, Classes = 2 }, seed: 1)
                .Save(_folder["lost.safetensors"])).Message);
        Assert.False(File.Exists(_folder["lost.safetensors"]));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"family":1}""")]
    [InlineData("""{"family":null}""")]
    [InlineData("""{"family":"vit","family":"vit"}""")]
    public void A_config_without_one_family_is_refused(string json) =>
        Assert.Throws<StrictJsonException>(() => StrictJson.Read(json, ModelJson.Default.ModelConfig));

    [Fact]
    public void Names_and_types_are_taken_once()
    {
        Assert.NotNull(Registered.Value);
        Assert.Throws<ArgumentException>(() => ModelFamily.Register(new PooledFamily("vim")));
        Assert.Throws<ArgumentException>(() => ModelFamily.Register(new PooledFamily("pooled-too")));
        Assert.Throws<ArgumentException>(() => new PooledFamily("Upper Case"));
    }

    private static PooledConfig Pooled() => new() { ImageSize = 4, Classes = 2 };

    /// <summary>An architecture from outside.</summary>
    internal sealed record PooledConfig : ModelConfig
    {
        [JsonIgnore]
        public override string Family => "Pooled";

        public override Graph BuildGraph()
        {
            var graph = new GraphBuilder(InputShape);
            Node x = graph.MeanTokens("mean", graph.FlattenSpatial("tokens", graph.Input));
            return graph.Build(graph.Linear("pooled_head", x, Classes));
        }

        public override string Describe() => "pooled pixels";

        public override CheckpointPart PartOf(string parameter) =>
            parameter == "pooled_head.bias"
                ? new CheckpointPart("pooled_head.biases", Index: 0, Count: 2)
                : new CheckpointPart(parameter);
    }

    /// <summary>An architecture of no family.</summary>
    private sealed record LostConfig : ModelConfig
    {
        public override string Family => "Lost";

        public override Graph BuildGraph() => Pooled().BuildGraph();

        public override string Describe() => "";
    }

    private sealed class PooledFamily(string name) : ModelFamily<PooledConfig>(name, PooledJson.Default.PooledConfig)
    {
        public override IReadOnlyList<string> Marks => ["pooled_head.weight", "old_head.weight"];

        public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
            tensors.ContainsKey("pooled_head.weight");

        public override Func<string, string>? RenameFrom(IReadOnlyCollection<string> names) =>
            names.Contains("old_head.weight")
            ? old => old.Replace("old_head", "pooled_head", StringComparison.Ordinal)
            : null;

        protected override PooledConfig DetectConfig(CheckpointTensors tensors) => new()
        {
            ImageSize = tensors.Options.ImageSize ?? tensors.Assume(4, "images have 4×4 pixels (--image-size)"),
            Classes = tensors.Require("pooled_head.weight", 2)[0],
        };

        protected override IReadOnlyDictionary<string, string> OptionsOf(PooledConfig config) =>
            new Dictionary<string, string> { ["--image-size"] = $"{config.ImageSize}" };
    }

    [JsonSourceGenerationOptions(
        JsonSerializerDefaults.Strict, MaxDepth = 8, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(PooledConfig))]
    private sealed partial class PooledJson : JsonSerializerContext;
}
