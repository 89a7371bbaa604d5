using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Tests.Models;

/// <summary>Integers and 8-bit floats are weights with their scale only. What is not used is said.</summary>
public sealed class StoredWeightsTests : IDisposable
{
    private const string Name = "layers.1.mixer.out_proj.weight";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DType.Int8, "_scale", false)]
    [InlineData(DType.Int8, "_scale_inv", true)]
    [InlineData(DType.Float8E4M3, "_scale", true)]
    [InlineData(DType.Float8E5M2, "_scale_inv", false)]
    [InlineData(DType.UInt8, "_scale", true)]
    public void A_scale_of_a_known_form_is_applied(object typeValue, string end, bool perChannel)
    {
        var type = (DType)typeValue;
        (ChangedCheckpoint changed, SafetensorsTensor original, byte[] codes) = Coded(type);
        int rows = original.Shape[0], columns = codes.Length / rows;
        float[] scale = [.. Enumerable.Range(1, perChannel ? rows : 1).Select(row => row / 64f)];
        float[] values = new float[codes.Length];
        DTypes.ToFloat(type, codes, values);
        float[] expected = [.. values.Select((value, i) => value * scale[perChannel ? i / columns : 0])];
        foreach (int[] shape in (int[][])(perChannel ? [[rows], [rows, 1]] : [[], [1], [1, 1]]))
        {
            changed.Tensors.RemoveAll(tensor => tensor.Name == Name + end);
            changed.Tensors.Add(Floats(Name + end, scale, shape));
            VisionModel model = VisionModel.Load(changed.WriteSafetensors(_folder));
            Assert.Equal(expected, model.Weights[Name].Span.ToArray());
            Assert.DoesNotContain(model.Notices, notice => notice.Contains("not used", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(DType.Int8)]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Float8E4M3)]
    [InlineData(DType.Float8E5M2)]
    public void Without_a_scale_they_are_refused(object typeValue)
    {
        var type = (DType)typeValue;
        (ChangedCheckpoint changed, _, _) = Coded(type);
        Refused(changed, $"its elements are {type.SafetensorsName()}, and no scale is beside it ('{Name}_scale')");
    }

    [Fact]
    public void Wide_integers_are_refused()
    {
        var changed = new ChangedCheckpoint();
        SafetensorsTensor original = changed.Tensors.Single(tensor => tensor.Name == Name);
        changed.Replace(Name, original with { DType = DType.Int32 });
        Refused(changed, "its elements are I32");
    }

    [Fact]
    public void Scales_and_zero_points_of_unknown_forms_are_refused()
    {
        (ChangedCheckpoint changed, SafetensorsTensor original, _) = Coded(DType.Int8);
        int rows = original.Shape[0];
        SafetensorsTensor usual = Floats($"{Name}_scale", [1], [1]);
        (SafetensorsTensor[] Beside, string Expected)[] cases =
        [
            ([Floats($"{Name}_scale", [1, 2], [2])], $"its scale '{Name}_scale' has shape [2]"),
            ([Floats($"{Name}_scale", new float[rows * 2], [rows, 2])], $"has shape [{rows}, 2]"),
            ([Floats($"{Name}_scale", new float[rows], [1, rows])], $"has shape [1, {rows}]"),
            ([Floats($"{Name}_scale", [], [0])], "has shape [0]"),
            ([new($"{Name}_scale", DType.Int32, [1], new byte[4])], "is no float but I32"),
            ([usual, Floats($"{Name}_scale_inv", [1], [1])], "it has two scales"),
            ([usual, new($"{Name}_zero_point", DType.Int8, [1], new byte[1])], $"('{Name}_zero_point')"),
            ([Floats($"{Name}_scale", [float.NaN], [1])], $"tensor '{Name}_scale' holds NaN"),
            ([Floats($"{Name}_scale", [float.MaxValue], [1])], "holds "),
        ];
        foreach ((SafetensorsTensor[] beside, string expected) in cases)
        {
            changed.Tensors.AddRange(beside);
            Refused(changed, expected);
            changed.Tensors.RemoveRange(changed.Tensors.Count - beside.Length, beside.Length);
        }
    }

    [Fact]
    public void A_quantized_model_is_not_opened_as_a_checkpoint()
    {
        string path = GoldenFiles.Path("format-2/vim-tiny-mse.bitis");
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.Contains("this is a quantized model", message);
    }

    [Fact]
    public void What_is_left_over_and_what_was_assumed_is_told()
    {
        var changed = new ChangedCheckpoint();
        changed.Add("layers.0.mixer.gate", 1);
        changed.Add("rotary", 1);
        string path = changed.WriteSafetensors(_folder);
        IReadOnlyList<string> notices = VisionModel.Load(path).Notices;
        Assert.Contains($"{path}: not used: 2 tensors: layers.0.mixer.gate, rotary.", notices);
        string start = $"{path}: assumed: ";
        string assumed = Assert.Single(notices, notice => notice.StartsWith(start, StringComparison.Ordinal));
        Assert.Contains("--class-token", assumed);
        VisionModel.Load(path).Save(_folder["own.safetensors"]);
        Assert.Empty(VisionModel.Load(_folder["own.safetensors"]).Notices);
    }

    private static (ChangedCheckpoint Changed, SafetensorsTensor Original, byte[] Codes) Coded(DType type)
    {
        var changed = new ChangedCheckpoint();
        SafetensorsTensor original = changed.Tensors.Single(tensor => tensor.Name == Name);
        byte[] codes = [.. Enumerable.Range(0, (int)original.Shape.ElementCount).Select(i => (byte)(i % 96))];
        changed.Replace(Name, original with { DType = type, Bytes = codes });
        return (changed, original, codes);
    }

    private static SafetensorsTensor Floats(string name, float[] values, int[] shape) =>
        new(name, DType.Float32, [.. shape], Bitis.Tests.Checkpoints.TorchFiles.Floats(values));

    private void Refused(ChangedCheckpoint changed, string expected)
    {
        string path = changed.WriteSafetensors(_folder);
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(expected, message);
    }
}
