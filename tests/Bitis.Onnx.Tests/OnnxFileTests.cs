using System.Text.Json;
using Bitis.Data;
using Bitis.Fuzz;
using Bitis.Graphs;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Writing;
using Bitis.Tensors;
using Bitis.Tests;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Onnx;

namespace Bitis.Onnx.Tests;

/// <summary>Files: their names, what they say about the model, and that they open again.</summary>
public sealed class OnnxFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string> Micro => [.. MicroModels.Configs.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Micro))]
    public void A_file_opens_again(string name)
    {
        VisionModel model = MicroModels.Create(name);
        OnnxModel.Export(model, _folder["model.onnx"]);
        VisionModel again = OnnxModel.Load(_folder["model.onnx"]);
        Assert.Equal(model.Config, again.Config);
        Assert.Equal(model.Preprocessing, again.Preprocessing);
        Assert.Equal(model.ClassNames, again.ClassNames);
        Assert.Equal(model.Weights.Keys.Order(), again.Weights.Keys.Order());
        foreach ((string key, FloatTensor weight) in model.Weights)
            TensorAssert.Same(weight, again.Weights[key]);
        Assert.Empty(again.Notices);
    }

    [Fact]
    public void Weights_outside_are_found_by_runtimes_and_when_the_file_opens_again()
    {
        VisionModel model = MicroModels.Create("vim");
        string path = _folder["big model.onnx"];
        long length = OnnxFile.Write(
            FloatExport.Build(model, new OnnxOptions()), path, CancellationToken.None, mostBytesInside: 0);
        string[] files = Directory.GetFiles(_folder.Path);
        Assert.Equal(2, files.Length);
        Assert.Equal(length, files.Sum(file => new FileInfo(file).Length));
        FloatTensor images = MicroModels.Images(model.Config, 2);
        using (var session = new OnnxSession(path))
            TensorAssert.Close(OnnxSession.Run(model, images), session.Run(images), 0);
        VisionModel again = OnnxModel.Load(path);
        const string weight = "layers.0.mixer.in_proj.weight";
        TensorAssert.Same(model.Weights[weight], again.Weights[weight]);

        string data = files.Single(file => file.EndsWith(".data", StringComparison.Ordinal));
        byte[] bytes = File.ReadAllBytes(data);
        bytes[^3] ^= 1;
        File.WriteAllBytes(data, bytes);
        Assert.Contains(
            "SHA-256", Assert.Throws<BitisException>(() => OnnxModel.Load(path)).Message, StringComparison.Ordinal);
        File.Delete(data);
        Assert.Contains(
            ".data", Assert.Throws<BitisException>(() => OnnxModel.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_those_of_the_checkpoint()
    {
        VisionModel model = MicroModels.Create("vim");
        ExportedModel exported = FloatExport.Build(model, new OnnxOptions());
        Assert.Superset(
            model.Weights.Keys.ToHashSet(), exported.Graph.Tensors.Select(tensor => tensor.Proto.Name).ToHashSet());
        Assert.Equal("head", exported.Graph.Proto.Output.Single().Name);
        Assert.Contains(exported.Graph.Proto.Node, node => node.Output[0] == "layers.0.mixer.in_proj");
        OnnxModel.Export(model, _folder["model.onnx"]);
        using var session = new OnnxSession(_folder["model.onnx"]);
        Assert.Equal("input", session.Session.InputNames.Single());
        Assert.Equal([-1, 3, 8, 8], session.Session.InputMetadata["input"].Dimensions);
        Assert.Equal([-1, 3], session.Session.OutputMetadata["head"].Dimensions);
        Dictionary<string, string> metadata = session.Session.ModelMetadata.CustomMetadataMap;
        Assert.Equal(
            model.ClassNames, JsonSerializer.Deserialize<string[]>(metadata["class_names"]));
        Assert.Equal(8, JsonDocument.Parse(metadata["preprocessing"]).RootElement.GetProperty("cropSize").GetInt32());
    }

    [Theory]
    [InlineData("a.weight", "a", "b")]
    [InlineData("input", "input/Gemm", "input_2")]
    [InlineData("x\0y", "x\\u0000y", "\ud800")]
    [InlineData("\ud83d\ude00", "\udc00\ud800", "\n")]
    [InlineData("com.microsoft::x", "../x", "a b'\"\\")]
    public void Any_names_will_do(string first, string second, string third)
    {
        var builder = new GraphBuilder([1, 4, 4], first);
        Node map = builder.Conv2d(second, builder.Input, 3, kernelSize: 2, stride: 2, parameters: [first, third]);
        Node x = builder.Linear(
            third, builder.MeanTokens("mean", builder.FlattenSpatial("flat", map)), 5,
            parameters: ["linear.weight", second]);
        Graph graph = builder.Build(x);
        var random = new SeededRandom(4);
        var weights = new Dictionary<string, FloatTensor>();
        foreach ((string name, Shape shape) in graph.Parameters)
        {
            weights[name] = new FloatTensor(shape);
            foreach (ref float value in weights[name].Span)
                value = (float)random.NextNormal();
        }
        VisionModel model = VisionModel.FromGraph(graph, weights);
        FloatTensor images = MicroModels.Images(model.Config, 2);
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 });
        TensorAssert.Close(session.Run(images), OnnxSession.Run(model, images), 1e-5);
        OnnxModel.Export(model, _folder["model.onnx"]);
        VisionModel again = OnnxModel.Load(_folder["model.onnx"]);
        foreach ((string name, FloatTensor weight) in weights)
            TensorAssert.Same(weight, again.Weights[name]);
    }

    [Fact]
    public void Bytes_become_the_same_pixels()
    {
        VisionModel model = MicroModels.Create("vim");
        var random = new SeededRandom(4);
        byte[] bytes = [.. Enumerable.Range(0, 2 * 8 * 8 * 3).Select(_ => (byte)random.NextInt32(256))];
        FloatTensor images = new([2, 3, 8, 8]);
        for (int i = 0; i < 2; i++)
        {
            model.Preprocessing.Apply(
                new PixelImage(8, 8, 3, bytes.AsSpan(i * 192, 192).ToArray()), images.Span.Slice(i * 192, 192));
        }
        OnnxModel.Export(model, _folder["model.onnx"], new OnnxOptions { TakesBytes = true });
        using var session = new OnnxSession(_folder["model.onnx"]);
        using var input = OrtValue.CreateTensorValueFromMemory(bytes, [2, 8, 8, 3]);
        TensorAssert.Close(OnnxSession.Run(model, images), session.Run(input), 0);
    }

    [Fact]
    public void A_file_that_another_tool_changed_is_refused()
    {
        VisionModel model = MicroModels.Create("vmamba");
        string path = _folder["model.onnx"];
        OnnxModel.Export(model, path);
        byte[] file = File.ReadAllBytes(path);
        Action<GraphProto>[] changes =
        [
            graph => graph.Node.First(node => node.OpType == "Sigmoid").OpType = "Tanh",
            graph => graph.Node.First(node => node.OpType == "Transpose").Attribute.Clear(),
            graph => graph.Input[0].Name = "other",
            graph => graph.Output.RemoveAt(0),
            graph => Constant(graph).RawData = ByteString.CopyFrom(new byte[Constant(graph).RawData.Length]),
            graph => Constant(graph).Dims.Add(1),
        ];
        foreach (Action<GraphProto> change in changes)
        {
            ModelProto changed = ModelProto.Parser.ParseFrom(file);
            change(changed.Graph);
            File.WriteAllBytes(path, changed.ToByteArray());
            Assert.Contains(
                "changed by another tool", Assert.Throws<BitisException>(() => OnnxModel.Load(path)).Message,
                StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, ModelProto.Parser.ParseFrom(file).ToByteArray());
        Assert.Equal(model.Weights.Count, OnnxModel.Load(path).Weights.Count);

        TensorProto Constant(GraphProto graph) => graph.Initializer.First(
            tensor => !model.Weights.ContainsKey(tensor.Name) && tensor.RawData.Span.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void What_is_not_ours_or_damaged_is_refused()
    {
        VisionModel model = MicroModels.Create("vim");
        string path = _folder["model.onnx"];
        OnnxModel.Export(model, path);
        byte[] good = File.ReadAllBytes(path);
        var random = new SeededRandom(9);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bad = [.. good];
            if (i % 3 == 0)
                bad = bad[..random.NextInt32(bad.Length)];
            else
                bad[random.NextInt32(bad.Length)] ^= (byte)(1 << random.NextInt32(8));
            File.WriteAllBytes(path, bad);
            try
            {
                VisionModel loaded = OnnxModel.Load(path);
                Assert.Equal(model.Config, loaded.Config); // a change in the graph, which is not read
            }
            catch (BitisException e)
            {
                Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, 100, 300);
        File.WriteAllText(path, "no message of protobuf");
        Assert.Throws<BitisException>(() => OnnxModel.Load(path));
        Assert.Throws<BitisException>(() => OnnxModel.Load(_folder["none.onnx"]));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(22)]
    public void Other_opsets_are_refused(int opset)
    {
        BitisException e = Assert.Throws<BitisException>(() => OnnxModel.Export(
            MicroModels.Create("vim"), _folder["model.onnx"], new OnnxOptions { Opset = opset }));
        Assert.Equal($"There is no export to opset {opset}; expected 17 to 21.", e.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
