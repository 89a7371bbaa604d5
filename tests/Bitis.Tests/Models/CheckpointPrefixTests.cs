using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tensors;
using Bitis.Tests.Checkpoints;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Models;

/// <summary>A model is found under whatever prefix and key it begins, among whatever else the file holds.</summary>
public sealed class CheckpointPrefixTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("model.")]
    [InlineData("backbone.")]
    [InlineData("net.")]
    [InlineData("module._orig_mod.model.backbone.")]
    [InlineData("image_encoder.trunk.")]
    public void A_prefix_is_found_in_both_formats_with_other_tensors_beside(string prefix)
    {
        ChangedCheckpoint changed = new ChangedCheckpoint().WithPrefix(prefix);
        changed.Add("n_averaged", 3);
        changed.Add("decode_head.weight", 1, 2);
        changed.Add("decode_head.bias", 1);
        foreach (string path in (string[])[changed.WriteSafetensors(_folder), WriteTorch(("state_dict", changed))])
        {
            VisionModel model = VisionModel.Load(path);
            AssertOriginal(model);
            Assert.Contains($"{path}: not used: 3 tensors: n_averaged, decode_head.* (2).", model.Notices);
        }
    }

    [Fact]
    public void A_prefix_can_be_named_in_both_formats()
    {
        ChangedCheckpoint student = new ChangedCheckpoint().WithPrefix("student.backbone.");
        ChangedCheckpoint teacher = new ChangedCheckpoint().WithPrefix("teacher.backbone.");
        teacher.Tensors[0] = teacher.Tensors[0] with { Bytes = new byte[teacher.Tensors[0].Bytes.Length] };
        string first = teacher.Tensors[0].Name["teacher.backbone.".Length..];
        student.Tensors.AddRange(teacher.Tensors);
        foreach (string path in (string[])[student.WriteSafetensors(_folder), WriteTorch(("state_dict", student))])
        {
            string outer = path.EndsWith(".pth", StringComparison.Ordinal) ? "state_dict." : "";
            string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
            Assert.Contains($"Weights are under: '{outer}student.backbone', '{outer}teacher.backbone'", message);
            foreach (string key in (string[])["student", "student.backbone"])
                AssertOriginal(VisionModel.Load(path, new ModelOptions { WeightsKey = outer + key }));
            VisionModel other = VisionModel.Load(path, new ModelOptions { WeightsKey = $"{outer}teacher" });
            Assert.All(other.Weights[first].Span.ToArray(), value => Assert.Equal(0, value));
        }
    }

    [Theory]
    [InlineData("model")]
    [InlineData("state_dict")]
    [InlineData("model_state_dict")]
    [InlineData("params")]
    [InlineData("model_ema")]
    [InlineData("ema")]
    [InlineData("state_dict_ema")]
    [InlineData("whatever")]
    [InlineData("optimized")]
    public void One_place_is_found_under_any_key(string key)
    {
        VisionModel model = VisionModel.Load(WriteTorch((key, new ChangedCheckpoint())));
        AssertOriginal(model);
        Assert.DoesNotContain(model.Notices, notice => notice.Contains("--weights-key", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model_ema", "state_dict", "state_dict")]
    [InlineData("ema", "model_state_dict", "model_state_dict")]
    [InlineData("state_dict", "model", "model")]
    [InlineData("teacher", "model_ema", "model_ema")]
    public void Of_several_places_the_plain_one_is_taken_and_named(string first, string second, string chosen)
    {
        string path = WriteTorch((first, new ChangedCheckpoint()), (second, new ChangedCheckpoint()));
        VisionModel model = VisionModel.Load(path);
        string other = chosen == first ? second : first;
        string notice = $"the weights under '{chosen}' are used; there are others under '{other}' (--weights-key).";
        Assert.Contains($"{path}: {notice}", model.Notices);
        VisionModel asked = VisionModel.Load(path, new ModelOptions { WeightsKey = other });
        Assert.DoesNotContain(asked.Notices, notice => notice.Contains("--weights-key", StringComparison.Ordinal));
    }

    [Fact]
    public void A_tensor_at_the_top_does_not_make_the_top_the_weights()
    {
        string path = WriteTorch(("network_state", new ChangedCheckpoint()), ("seed", null));
        AssertOriginal(VisionModel.Load(path));
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal("network_state", checkpoint.WeightsKey);
    }

    [Fact]
    public void What_was_not_asked_for_is_not_left_over()
    {
        ChangedCheckpoint changed = new ChangedCheckpoint().WithPrefix("model.");
        changed.Tensors.AddRange(new ChangedCheckpoint().WithPrefix("ema_model.").Tensors);
        changed.Add("model.aux", 1);
        string path = changed.WriteSafetensors(_folder);
        IReadOnlyList<string> found = VisionModel.Load(path).Notices;
        Assert.Contains($"{path}: not used: 1 tensor: aux.", found);
        string place = "the weights under 'model' are used; there are others under 'ema_model' (--weights-key).";
        Assert.Contains($"{path}: {place}", found);
        IReadOnlyList<string> asked = VisionModel.Load(path, new ModelOptions { WeightsKey = "ema_model" }).Notices;
        Assert.StartsWith($"{path}: assumed: ", Assert.Single(asked));
    }

    [Fact]
    public void A_backbone_without_its_head_is_refused_with_the_place()
    {
        ChangedCheckpoint changed = new ChangedCheckpoint().WithPrefix("backbone.");
        changed.Tensors.RemoveAll(tensor => tensor.Name.StartsWith("backbone.head.", StringComparison.Ordinal));
        changed.Add("decode_head.weight", 1);
        string path = WriteTorch(("state_dict", changed));
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.Contains("tensor 'head.weight' is missing", message);
        Assert.Contains("(The tensors under 'state_dict.backbone' were looked at.)", message);
    }

    [Fact]
    public void Few_arrays_of_a_log_are_no_place_beside_many_weights()
    {
        var storages = new Dictionary<string, byte[]>();
        Builder loss = Builder.Tensor("FloatStorage", "0", 1, [1L], [1L]);
        var top = new Dictionary<string, object?>
        {
            ["log"] = new Dictionary<string, object?> { ["loss"] = loss },
            ["trained"] = new ChangedCheckpoint().ToPickle(storages),
        };
        string path = _folder.Write("log.pth", TorchFiles.Zip(Builder.Of(top), storages));
        using (Checkpoint checkpoint = Checkpoint.Open(path))
            Assert.Equal(["trained"], checkpoint.WeightsKeys);
        string message = Assert.Throws<BitisException>(() => Checkpoint.Open(path, "none")).Message;
        Assert.Contains("Weights are under: 'trained'; choose", message);
    }

    [Fact]
    public void State_of_an_optimizer_is_no_place()
    {
        string path = WriteTorch(("optimizer", new ChangedCheckpoint()), ("net_g", new ChangedCheckpoint()));
        VisionModel model = VisionModel.Load(path);
        AssertOriginal(model);
        Assert.DoesNotContain(model.Notices, notice => notice.Contains("--weights-key", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("numpy.core.multiarray")]
    [InlineData("numpy._core.multiarray")]
    public void Weights_that_are_arrays_are_named(string module)
    {
        Dictionary<string, object?> weights = new ChangedCheckpoint().ToPickle([]);
        foreach (string name in weights.Keys)
        {
            object?[] arguments = [new Builder().Global("numpy", "ndarray"), new object?[] { 0L }, "b"];
            weights[name] = new Builder().Global(module, "_reconstruct").Value(arguments).Raw('R');
        }
        string path = _folder.Write(
            "arrays.pth", TorchFiles.Zip(Builder.Of(new Dictionary<string, object?> { ["model"] = weights })));
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.Contains($"cannot be read: it is a numpy.ndarray ({module}._reconstruct)", message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("module.")]
    public void A_module_that_was_saved_as_a_whole_is_the_model(string prefix)
    {
        var storages = new Dictionary<string, byte[]>();
        Builder module = Module(new ChangedCheckpoint().WithPrefix(prefix).ToPickle(storages));
        var beside = new Dictionary<string, object?> { ["model"] = module, ["epoch"] = 3L };
        foreach (object root in (object[])[module, beside])
            AssertOriginal(VisionModel.Load(_folder.Write("whole.pt", TorchFiles.Zip(Builder.Of(root), storages))));
    }

    [Fact]
    public void Weights_in_a_tuple_are_found()
    {
        var storages = new Dictionary<string, byte[]>();
        var settings = new Dictionary<string, object?> { ["lr"] = 0.1 };
        object?[] tuple = [new ChangedCheckpoint().ToPickle(storages), settings, 7L];
        string path = _folder.Write("tuple.pth", TorchFiles.Zip(Builder.Of(tuple), storages));
        AssertOriginal(VisionModel.Load(path));
        AssertOriginal(VisionModel.Load(path, new ModelOptions { WeightsKey = "0" }));
    }

    [Fact]
    public void Two_names_of_one_tensor_are_refused()
    {
        string path = _folder["twice.safetensors"];
        byte[] one = new byte[4];
        SafetensorsWriter.Write(
            path,
            [
                new("layers.0.blocks.0.self_attention.x_proj_weight", DType.Float32, [1], one),
                new("head.weight", DType.Float32, [1], one),
                new("classifier.head.weight", DType.Float32, [1], one),
            ]);
        Assert.Contains(
            "'head.weight' and 'classifier.head.weight' are both 'classifier.head.weight' today",
            Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message);
    }

    [Fact]
    public void What_Bitis_wrote_keeps_its_names()
    {
        var graph = new Bitis.Graphs.GraphBuilder([1, 4, 4]);
        Bitis.Graphs.Node mean = graph.MeanTokens("mean", graph.FlattenSpatial("tokens", graph.Input));
        Bitis.Graphs.Graph built = graph.Build(graph.Linear("module.layers.0.mixer.in_proj", mean, 2));
        Dictionary<string, FloatTensor> weights = built.Parameters.ToDictionary(
            p => p.Name, p => new FloatTensor(p.Shape));
        string path = _folder["own.safetensors"];
        VisionModel.FromGraph(built, weights).Save(path);
        Assert.Equal(weights.Keys.Order(), VisionModel.Load(path).Weights.Keys.Order());
    }

    [Fact]
    public void A_tensor_that_the_model_needs_and_nobody_reads_is_named()
    {
        var storages = new Dictionary<string, byte[]>();
        Dictionary<string, object?> weights = new ChangedCheckpoint().ToPickle(storages);
        Builder sparse = new Builder().Global("torch._utils", "_rebuild_sparse_tensor").Raw(')', 'R');
        foreach (string name in (string[])["norm_f.weight", "patch_embed.proj.weight"])
        {
            object? original = weights[name];
            weights[name] = sparse;
            string path = _folder.Write("sparse.pth", TorchFiles.Zip(Builder.Of(weights), storages));
            Assert.Contains(
                $"tensor '{name}' cannot be read: it is a torch._utils._rebuild_sparse_tensor",
                Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message);
            weights[name] = original;
        }
    }

    [Theory]
    [InlineData("cls_token")]
    [InlineData("pos_embed")]
    [InlineData("norm_f.bias")]
    [InlineData("layers.1.mixer.A_log")]
    [InlineData("layers.0.mixer.A_b_log")]
    public void An_array_or_object_that_decides_on_the_architecture_is_named(string name)
    {
        object?[] arguments = [new Builder().Global("numpy", "ndarray"), new object?[] { 0L }, "b"];
        Builder array = new Builder().Global("numpy.core.multiarray", "_reconstruct").Value(arguments).Raw('R');
        Builder other = new Builder().Global("mylib", "Weight").Raw(')', 0x81);
        foreach ((Builder value, string type) in
            ((Builder, string)[])[(array, "numpy.ndarray"), (other, "mylib.Weight")])
        {
            var storages = new Dictionary<string, byte[]>();
            Dictionary<string, object?> weights = new ChangedCheckpoint().ToPickle(storages);
            weights[name] = value;
            string path = _folder.Write("array.pth", TorchFiles.Zip(Builder.Of(weights), storages));
            string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
            Assert.Contains($"'{name}'", message);
            Assert.Contains($"it is a {type}", message);
        }
    }

    [Fact]
    public void A_dictionary_that_holds_nothing_is_said_to()
    {
        string path = _folder.Write("empty.pth", TorchFiles.Zip(Builder.Of(new Dictionary<string, object?>())));
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path)).Message;
        Assert.Contains("no weights were found. The file holds nothing that has a name", message);
    }

    [Fact]
    public void Weights_under_a_number_are_found()
    {
        var storages = new Dictionary<string, byte[]>();
        Builder numbered = new Builder().Raw('}', '(')
            .Value(0L).Value(new ChangedCheckpoint().ToPickle(storages)).Value(1L).Value(2L).Raw('u');
        string path = _folder.Write("numbered.pth", TorchFiles.Zip(Builder.Of(numbered), storages));
        AssertOriginal(VisionModel.Load(path));
        AssertOriginal(VisionModel.Load(path, new ModelOptions { WeightsKey = "0" }));
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal("0", checkpoint.WeightsKey);
    }

    [Fact]
    public void State_of_an_optimizer_is_no_place_under_any_key()
    {
        var storages = new Dictionary<string, byte[]>();
        Builder state = new Builder().Raw('}', '(')
            .Value(0L).Value(new ChangedCheckpoint().ToPickle(storages)).Raw('u');
        var optimizer = new Dictionary<string, object?> { ["state"] = state, ["param_groups"] = new List<object?>() };
        var top = new Dictionary<string, object?>
        {
            ["opt"] = optimizer,
            ["trained"] = new ChangedCheckpoint().ToPickle(storages),
        };
        string path = _folder.Write("opt.pth", TorchFiles.Zip(Builder.Of(top), storages));
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal(["trained"], checkpoint.WeightsKeys);
    }

    [Fact]
    public void A_key_without_weights_is_answered_with_the_places_of_models()
    {
        ChangedCheckpoint both = new ChangedCheckpoint().WithPrefix("student.");
        both.Tensors.AddRange(new ChangedCheckpoint().WithPrefix("teacher.").Tensors);
        string path = WriteTorch(("state_dict", both));
        var options = new ModelOptions { WeightsKey = "student" };
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path, options)).Message;
        Assert.Contains("Weights are under: 'state_dict.student', 'state_dict.teacher'; choose", message);
    }

    [Fact]
    public void A_dictionary_that_holds_itself_is_one_place()
    {
        var storages = new Dictionary<string, byte[]>();
        Builder endless = new Builder().Raw('}', 'q', 0, '(')
            .Value("model").Value(new ChangedCheckpoint().ToPickle(storages))
            .Value("me").Raw('h', 0).Raw('u');
        string path = _folder.Write("endless.pth", TorchFiles.Zip(Builder.Of(endless), storages));
        VisionModel model = VisionModel.Load(path);
        AssertOriginal(model);
        Assert.DoesNotContain(model.Notices, notice => notice.Contains("others", StringComparison.Ordinal));
    }

    /// <summary>A module with the modules in it that the names of its weights tell.</summary>
    private static Builder Module(Dictionary<string, object?> weights)
    {
        Dictionary<string, object?> own = weights.Where(entry => !entry.Key.Contains('.')).ToDictionary();
        var modules = new Dictionary<string, object?>();
        foreach (IGrouping<string, KeyValuePair<string, object?>> part in weights
            .Where(entry => entry.Key.Contains('.')).GroupBy(entry => entry.Key.Split('.')[0]))
        {
            int length = part.Key.Length + 1;
            modules[part.Key] = Module(part.ToDictionary(entry => entry.Key[length..], entry => entry.Value));
        }
        return new Builder().Global("models_mamba", "Module").Raw(')', 0x81).Value(new Dictionary<string, object?>
        {
            ["training"] = false,
            ["_parameters"] = own,
            ["_buffers"] = new Dictionary<string, object?>(),
            ["_modules"] = modules,
        }).Raw('b');
    }

    /// <summary>A PyTorch file; a null stands for a single tensor.</summary>
    private string WriteTorch(params (string Key, ChangedCheckpoint? Contents)[] parts)
    {
        var storages = new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(1) };
        var top = new Dictionary<string, object?>();
        foreach ((string key, ChangedCheckpoint? contents) in parts)
            top[key] = contents?.ToPickle(storages) ?? (object)Builder.Tensor("FloatStorage", "0", 1, [1L], [1L]);
        return _folder.Write("changed.pth", TorchFiles.Zip(Builder.Of(top), storages));
    }

    private static void AssertOriginal(VisionModel model)
    {
        VisionModel original = VisionModel.Load(ChangedCheckpoint.Original);
        Assert.Equal(original.Config, model.Config);
        foreach ((string name, FloatTensor weight) in original.Weights)
            TensorAssert.Same(weight, model.Weights[name]);
    }
}
