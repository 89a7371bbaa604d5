using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

public sealed class QuantizedModelFileTests : IDisposable
{
    private static readonly VisionModel Model = MicroModel.Load();

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("w8a8", Granularity.PerTensor)]
    [InlineData("w6a6", Granularity.PerToken)]
    [InlineData("w4a4", Granularity.PerToken)]
    [InlineData("w4a8", Granularity.PerTensor)]
    [InlineData("w8a32", Granularity.PerTensor)]
    [InlineData("w32a8", Granularity.PerToken)]
    public void A_model_comes_back_as_it_was(string bits, Granularity granularity)
    {
        QuantizedModel model = MicroModel.Quantize(Model, new Recipe
        {
            Method = "minmax",
            Bits = BitWidths.Parse(bits),
            ActivationGranularity = granularity,
            Overrides = [SiteOverride.Parse("*.x_proj=w4a6"), SiteOverride.Parse("layers.0.*out_proj=float")],
        });
        string first = _folder["first.bitis"], second = _folder["second.bitis"];
        model.Save(first);
        QuantizedModel loaded = QuantizedModel.Load(first);
        loaded.Save(second);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        Assert.Equal(model.Config, loaded.Config);
        Assert.Equal(model.Preprocessing, loaded.Preprocessing);
        Assert.Equal(model.Recipe, loaded.Recipe);
        Assert.Equal(model.Calibration, loaded.Calibration);
        Assert.Equal(model.Weights.Keys.Order(), loaded.Weights.Keys.Order());
        Assert.All(
            model.Weights, pair => Assert.Equal(pair.Value.Span.ToArray(), loaded.Weights[pair.Key].Span.ToArray()));
        Assert.Equal(model.Layers.Keys.Order(), loaded.Layers.Keys.Order());
        foreach ((string name, QuantizedLayer linear) in model.Layers)
        {
            Assert.Equal(linear.Levels, loaded.Layers[name].Levels);
            AssertEqual(linear.Weight, loaded.Layers[name].Weight);
            AssertEqual(linear.Input, loaded.Layers[name].Input);
        }
    }

    public static TheoryData<string, string> Edits => new()
    {
        { "bitis_format", "4" },
        { "config", "{}" },
        { "config", "null" },
        { "layers", """{"nothing":"w8a8"}""" },
        { "layers", """{"layers.0.mixer.in_proj":"w9a8"}""" },
        { "recipe", """{"method":"magic"}""" },
        { "class_names", """["one"]""" },
        { "preprocessing", "[]" },
        { "sha256", "00" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void Edited_metadata_are_refused(string key, string text) =>
        AssertRefused((_, metadata) => metadata[key] = text);

    [Fact]
    public void An_absurd_depth_is_refused() => AssertRefused((_, metadata) =>
        metadata["config"] = System.Text.RegularExpressions.Regex.Replace(
            metadata["config"], "\"depth\":\\d+", "\"depth\":2000000000", default, TimeSpan.FromSeconds(1)));

    [Theory]
    [InlineData(".weight", 0x80)] // −128 is no level
    [InlineData(".weight_scale", 0)]
    [InlineData(".input_scale", 0)]
    [InlineData(".input_scale", 0xFF)] // NaN
    public void Values_that_make_no_grid_are_refused_though_the_digest_is_right(string suffix, int value) =>
        AssertRefused((tensors, _) =>
        {
            int at = tensors.FindIndex(t => t.Name.Contains("layers.0", StringComparison.Ordinal)
                && t.DType != DType.Float16 && t.Name.EndsWith($"in_proj{suffix}", StringComparison.Ordinal));
            var bytes = new byte[tensors[at].Bytes.Length];
            Array.Fill(bytes, (byte)value);
            tensors[at] = tensors[at] with { Bytes = bytes };
        });

    [Theory]
    [InlineData("weight_scale", 3e38f)] // 127 of them are no float32
    [InlineData("weight_scale", 1e36f)] // times the input's scale
    public void Scales_whose_product_overflows_are_refused(string name, float value) =>
        AssertRefused((tensors, _) =>
        {
            Fill(name, value);
            Fill("input_scale", 1e3f);

            void Fill(string suffix, float scale)
            {
                int at = tensors.FindIndex(t => t.Name.EndsWith($"dt_proj.{suffix}", StringComparison.Ordinal));
                var bytes = new byte[tensors[at].Bytes.Length];
                MemoryMarshal.Cast<byte, float>(bytes.AsSpan()).Fill(scale);
                tensors[at] = tensors[at] with { Bytes = bytes };
            }
        });

    [Fact]
    public void A_missing_tensor_is_refused() => AssertRefused((tensors, _) => tensors.RemoveAt(0));

    [Fact]
    public void A_cut_file_and_a_flipped_bit_are_refused()
    {
        byte[] bytes = File.ReadAllBytes(Saved());
        AssertRefused(_folder.Write("cut", bytes.AsSpan()[..^1]));
        bytes[^1] ^= 1;
        AssertRefused(_folder.Write("flipped", bytes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(16)]
    public void Nibbles_come_back(int columns)
    {
        sbyte[] levels = [.. Enumerable.Range(0, 16 * columns).Select(i => (sbyte)(i % 16 - 8))];
        byte[] packed = RowNibbles.Pack(levels, columns);
        Assert.Equal(16 * RowNibbles.RowBytes(columns), packed.Length);
        Assert.Equal(levels, RowNibbles.Unpack(packed, columns));
    }

    private static void AssertEqual(UniformQuantizer? expected, UniformQuantizer? actual)
    {
        Assert.Equal(expected is null, actual is null);
        if (expected is null || actual is null)
            return;
        Assert.Equal(
            (expected.Bits, expected.IsSymmetric, expected.Granularity),
            (actual.Bits, actual.IsSymmetric, actual.Granularity));
        Assert.Equal(expected.Scales.ToArray(), actual.Scales.ToArray());
        Assert.Equal(expected.ZeroPoints.ToArray(), actual.ZeroPoints.ToArray());
    }

    private static void AssertRefused(string path) =>
        Assert.StartsWith(
            path, Assert.Throws<BitisException>(() => QuantizedModel.Load(path)).Message, StringComparison.Ordinal);

    private string Saved()
    {
        string path = _folder["model.bitis"];
        MicroModel.Quantize(Model, new Recipe { Method = "minmax" }).Save(path);
        return path;
    }

    /// <summary>Changes a file's contents; the digest is right again unless the change is to it.</summary>
    private void AssertRefused(Action<List<SafetensorsTensor>, Dictionary<string, string>> edit)
    {
        List<SafetensorsTensor> tensors;
        Dictionary<string, string> metadata;
        using (var file = Checkpoint.Open(Saved()))
        {
            tensors =
                [.. file.Entries.Select(e => new SafetensorsTensor(e.Name, e.DType, e.Shape, file.ReadBytes(e.Name)))];
            metadata = new(file.Metadata);
        }
        string digest = metadata["sha256"];
        edit(tensors, metadata);
        if (metadata["sha256"] == digest)
            metadata["sha256"] = ContentDigest.Of(metadata, tensors);
        string path = _folder["edited.bitis"];
        SafetensorsWriter.Write(path, tensors, metadata);
        AssertRefused(path);
    }
}
