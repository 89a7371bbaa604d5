using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

public sealed class VisionModelTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_tensor_is_named()
    {
        string path = WriteEdited(
            tensors => tensors.RemoveAll(tensor => tensor.Name == "layers.2.mixer.x_proj_b.weight"));
        Assert.Contains("'layers.2.mixer.x_proj_b.weight' is missing", Refusal(path));
    }

    [Fact]
    public void A_wrong_shape_is_named_with_the_right_one()
    {
        string path = WriteEdited(tensors =>
        {
            int i = tensors.FindIndex(tensor => tensor.Name == "layers.1.mixer.out_proj.weight");
            tensors[i] = tensors[i] with { Shape = [tensors[i].Shape[1], tensors[i].Shape[0]] };
        });
        string message = Refusal(path);
        Assert.Contains("'layers.1.mixer.out_proj.weight' has shape [64, 32]", message);
        Assert.Contains("[32, 64]", message);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void A_weight_that_is_no_number_is_named_with_its_place(float value, string expected)
    {
        string path = WriteEdited(tensors =>
        {
            int i = tensors.FindIndex(tensor => tensor.Name == "layers.3.norm.weight");
            byte[] bytes = tensors[i].Bytes.ToArray();
            MemoryMarshal.Write(bytes.AsSpan(5 * sizeof(float)), value);
            tensors[i] = tensors[i] with { Bytes = bytes };
        });
        string message = Refusal(path);
        Assert.Contains("'layers.3.norm.weight'", message);
        Assert.Contains("element 5", message);
        Assert.Contains(expected, message);
    }

    [Fact]
    public void Random_weights_depend_on_the_seed_alone_and_are_finite()
    {
        ModelConfig config = VimVariants.Load("vim-micro").Config;
        VisionModel first = VisionModel.CreateRandom(config, 1), same = VisionModel.CreateRandom(config, 1),
            other = VisionModel.CreateRandom(config, 2);
        foreach ((string name, FloatTensor weight) in first.Weights)
        {
            TensorAssert.Same(weight, same.Weights[name]);
            Assert.Null(Checkpoint.FindNonFinite(weight));
        }
        Assert.NotEqual(first.Weights["head.weight"].Span.ToArray(), other.Weights["head.weight"].Span.ToArray());
    }

    [Fact]
    public void Random_weights_have_the_official_distributions()
    {
        VisionModel model = VisionModel.CreateRandom(VimVariants.Load("vim-micro").Config, 1);
        Assert.Equal([0f, (float)Math.Log(2)], model.Weights["layers.0.mixer.A_log"].Span[..2].ToArray());
        Assert.All(model.Weights["layers.0.mixer.D_b"].Span.ToArray(), d => Assert.Equal(1, d));
        // softplus(bias) is log-uniform in [0.001, 0.1].
        Assert.All(model.Weights["layers.0.mixer.dt_proj.bias"].Span.ToArray(), b =>
            Assert.InRange(Bitis.Graphs.Operators.Elementwise.Softplus.Of(b), 0.00099f, 0.101f));
        Assert.All(model.Weights["layers.0.mixer.in_proj.weight"].Span.ToArray(), w =>
            Assert.InRange(Math.Abs(w), 0, 1 / MathF.Sqrt(32)));
    }

    private static string Refusal(string path)
    {
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.StartsWith(path, message);
        return message;
    }

    private string WriteEdited(Action<List<SafetensorsTensor>> edit)
    {
        using Checkpoint checkpoint = Checkpoint.Open(GoldenFiles.Path("vim-micro.safetensors"));
        List<SafetensorsTensor> tensors =
            [
                .. checkpoint.Entries.Select(
                    entry =>
                        new SafetensorsTensor(entry.Name, entry.DType, entry.Shape, checkpoint.ReadBytes(entry.Name))),
            ];
        edit(tensors);
        string path = _folder["edited.safetensors"];
        SafetensorsWriter.Write(path, tensors);
        return path;
    }
}
