using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Bitis.Fuzz;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;

namespace Bitis.Tests.Quantization;

/// <summary>
/// Numbers of a quantized file that no kernel should meet are refused at load, with the name of their tensor.
/// </summary>
public sealed class QuantizedValuesTests : IDisposable
{
    private const string Layer = "layers.0.mixer.dt_proj", Scan = "layers.0.mixer.scan";

    private static readonly ConcurrentDictionary<(BitWidths Bits, Scope Scope), TensorFile> Originals = new();

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, float> BadFloats
    {
        get
        {
            var data = new TheoryData<string, float>();
            foreach (string name in (string[])["weight_scale", "input_scale"])
            {
                foreach (float value in
                    (float[])[
                        0, -1, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, 1e-39f, -0f])
                {
                    data.Add($"{Layer}.{name}", value);
                }
            }
            foreach (string name in
                (string[])["u_scale", "b_scale", "c_scale", "hidden_group_scale", "hidden_channel_scale"])
            {
                foreach (float value in
                    (float[])[0, -1, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, 1e-39f])
                {
                    data.Add($"{Scan}.{name}", value);
                }
            }
            foreach (float value in (float[])[0, -1, float.NaN, float.PositiveInfinity, float.Epsilon])
                data.Add($"{Scan}.delta_grid", value);
            foreach (string name in
                (string[])[
                    "head.bias",
                    "norm_f.weight",
                    "pos_embed",
                    "cls_token",
                    "layers.0.mixer.D",
                    "layers.0.mixer.conv1d.bias"])
            {
                foreach (float value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
                    data.Add(name, value);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(BadFloats))]
    public void Numbers_that_make_no_grid_are_refused_by_name(string tensor, float value) =>
        Assert.Contains($"'{tensor}'", Refusal(tensor, bytes => Floats(bytes)[0] = value));

    /// <summary>The product of two scales overflows, though each of them is a number.</summary>
    [Theory]
    [InlineData($"{Layer}.weight_scale")]
    [InlineData($"{Layer}.input_scale")]
    [InlineData("head.weight_scale")]
    [InlineData("patch_embed.proj.weight_scale")]
    [InlineData("layers.0.mixer.conv1d.input_scale")]
    [InlineData($"{Scan}.u_scale")]
    [InlineData($"{Scan}.b_scale")]
    [InlineData($"{Scan}.c_scale")]
    [InlineData($"{Scan}.delta_grid")]
    [InlineData($"{Scan}.hidden_group_scale")]
    [InlineData($"{Scan}.hidden_channel_scale")]
    public void Scales_whose_products_overflow_are_refused_by_name(string tensor)
    {
        string message = Refusal(
            tensor, bytes => Floats(bytes)[tensor.EndsWith("grid", StringComparison.Ordinal) ? 0 : ^1] = 3e38f);
        Assert.Contains(tensor[(tensor.LastIndexOf('.') + 1)..], message);
    }

    [Fact]
    public void A_large_skip_is_refused_by_name() =>
        Assert.Contains("'layers.0.mixer.D'", Refusal("layers.0.mixer.D", bytes => Floats(bytes).Fill(3e38f)));

    [Fact]
    public void Rates_that_are_infinite_are_refused_by_name()
    {
        string message = Refusal("layers.0.mixer.A_log", bytes => Floats(bytes)[1] = 89, scope: Scope.Linear);
        Assert.Contains("'layers.0.mixer.A_log'", message);
        Assert.Contains("exp", message);
    }

    [Theory]
    [InlineData($"{Layer}.input_zero_point", 16)] // of 4 bits
    [InlineData("layers.0.mixer.in_proj.input_zero_point", 64)] // of 6 bits
    [InlineData($"{Scan}.u_zero_point", 64)]
    public void Zero_points_beyond_the_levels_are_refused_by_name(string tensor, byte value) =>
        Assert.Contains(
            $"'{tensor}'",
            Refusal(
                tensor,
                bytes => bytes[0] = value,
                bits: tensor.StartsWith(Layer, StringComparison.Ordinal) ? new(8, 4) : new(6, 6)));

    [Theory]
    [InlineData(8, 0x80)]
    [InlineData(6, 32)]
    [InlineData(4, 0x08)]
    [InlineData(3, 0x04)]
    [InlineData(2, 0x02)]
    public void Levels_beyond_the_bits_are_refused_by_name(int bits, byte value) =>
        Assert.Contains($"'{Layer}.weight'", Refusal($"{Layer}.weight", bytes => bytes[0] = value, bits: new(bits, 8)));

    [Theory]
    [InlineData(0, 1)] // the first group starts at 0
    [InlineData(1, 0)]
    [InlineData(1, -1)]
    [InlineData(1, 5)] // there are 5 tokens
    [InlineData(2, int.MaxValue)]
    [InlineData(1, int.MinValue)]
    public void Groups_that_are_none_are_refused_by_name(int group, int start) =>
        Assert.Contains(
            Scan,
            Refusal(
                $"{Scan}.hidden_group_start", bytes => MemoryMarshal.Cast<byte, int>(bytes.AsSpan())[group] = start));

    [Fact]
    public void Types_that_are_not_the_documented_ones_are_refused()
    {
        foreach (string tensor in (string[])[$"{Layer}.weight_scale", $"{Scan}.b_scale", "head.bias"])
        {
            Assert.Contains($"'{tensor}'", Edited(file =>
            {
                int at = file.Tensors.FindIndex(part => part.Name == tensor);
                file.Tensors[at] = file.Tensors[at] with { Type = file.Tensors[at].Type == "F16" ? "I16" : "I32" };
            }));
        }
    }

    [Fact]
    public void Tensors_that_belong_to_nothing_are_refused()
    {
        Assert.Contains("'stranger'", Edited(file => file.Tensors.Add(new("stranger", "U8", [1], [0]))));
        // A factor that no layer would apply.
        Assert.Contains(
            "'layers.0.mixer.conv1d.input_factor'",
            Edited(file => file.Tensors.Add(new("layers.0.mixer.conv1d.input_factor", "F32", [1], new byte[4]))));
    }

    [Theory]
    [InlineData("scans", """{"layers.0.mixer.scan":null}""")]
    [InlineData(
        "scans",
        """{"layers.0.mixer.scan":{"bits":9,"decay":{"grid":"Uniform","bits":8,"levelsPerOctave":0,"scale":"""
        + """0.1,"lowest":0},"isDeltaBeforeSoftplus":true,"isHiddenStateDithered":false}}""")]
    [InlineData(
        "scans",
        """{"layers.0.mixer.scan":{"bits":8,"decay":{"grid":1,"bits":8,"levelsPerOctave":4,"scale":1,"lowest":"""
        + """0},"isDeltaBeforeSoftplus":true,"isHiddenStateDithered":false}}""")]
    [InlineData(
        "scans",
        """{"layers.0.mixer.scan":{"bits":8,"decay":null,"isDeltaBeforeSoftplus":true,"isHiddenStateDithered":"""
        + """false}}""")]
    [InlineData("layers", """{"layers.0.mixer.dt_proj":"w32a32"}""")]
    [InlineData("layers", """{"layers.0.mixer.dt_proj":null}""")]
    [InlineData("layers", """{"layers.0.norm":"w8a8"}""")]
    [InlineData("class_names", """["a",null,"c"]""")]
    [InlineData("calibration", """{"images":4,"sha256":"short"}""")]
    [InlineData(
        "calibration", """{"images":0,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}""")]
    [InlineData(
        "preprocessing",
        """{"resizeShorterSide":8,"cropSize":8,"mean":{"red":0,"green":0,"blue":0},"std":{"red":1e-45,"green":"""
        + """1,"blue":1},"interpolation":"Bicubic"}""")]
    public void Metadata_that_say_something_impossible_are_refused(string key, string text) =>
        Edited(file => file.Metadata[key] = text);

    [Fact]
    public void A_class_token_that_is_nowhere_is_refused()
    {
        string message = Edited(file => file.Metadata["config"] = file.Metadata["config"].Replace("\"Middle\"", "3"));
        Assert.Contains("'config' cannot be read", message);
    }

    private static Span<float> Floats(byte[] bytes) => MemoryMarshal.Cast<byte, float>(bytes.AsSpan());

    private string Refusal(string tensor, Action<byte[]> change, BitWidths? bits = null, Scope scope = Scope.Full) =>
        Edited(
        file =>
        {
            int at = file.Tensors.FindIndex(part => part.Name == tensor);
            byte[] bytes = [.. file.Tensors[at].Bytes];
            if (file.Tensors[at].Type == "F16")
            {
                // Written as float32, which is as good.
                bytes = new byte[2 * bytes.Length];
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(file.Tensors[at].Bytes);
                for (int i = 0; i < halves.Length; i++)
                    Floats(bytes)[i] = (float)halves[i];
                file.Tensors[at] = file.Tensors[at] with { Type = "F32" };
            }
            change(bytes);
            file.Tensors[at] = file.Tensors[at] with { Bytes = bytes };
        },
        bits,
        scope);

    /// <summary>Changes a good file, makes its digest right, and gives the message that refuses it.</summary>
    private string Edited(Action<TensorFile> edit, BitWidths? bits = null, Scope scope = Scope.Full)
    {
        string path = _folder["model.bitis"];
        TensorFile file = Originals.GetOrAdd((bits ?? new(8, 8), scope), key =>
        {
            var recipe = new Recipe
            {
                Method = "qmamba",
                Bits = key.Bits,
                Scope = key.Scope,
                Settings = new QMambaSettings { Learning = new() { Steps = 0 } },
                TimeGroups = key.Scope == Scope.Full ? 3 : null,
            };
            MicroModels.Quantize("vim", recipe).Save(path);
            return TensorFile.Open(path);
        }).Clone();
        edit(file);
        file.Sign();
        file.Write(path);
        string message = Assert.Throws<BitisException>(() => QuantizedModel.Load(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain("SHA-256", message);
        return message;
    }
}
