using Bitis.Checkpoints;
using Bitis.Tensors;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// What lies beside the weights may be of any class: it is inert data. What the weights need is named.
/// Golden/pickles/make.py writes the pickles.
/// </summary>
public sealed class PickleObjectTests : IDisposable
{
    private static readonly Dictionary<string, byte[]> Storage = new() { ["0"] = TorchFiles.Floats(1, 2, 3, 4, 5, 6) };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Whatever_trainers_leave_beside_the_weights_is_left_alone(int protocol)
    {
        using Checkpoint checkpoint = Checkpoint.Open(Golden($"beside-{protocol}.pkl"));
        Assert.Equal("state_dict", checkpoint.WeightsKey);
        Assert.Equal(["w", "bias", "scale", "kind", "row"], checkpoint.Entries.Select(entry => entry.Name));
        Assert.Equal([1, 2, 3, 4, 5, 6], checkpoint.Read("w").Span.ToArray());
        Assert.Equal([4, 5, 6], checkpoint.Read("bias").Span.ToArray());
        Assert.Equal([1, 2], checkpoint.Read("scale").Span.ToArray());
        Assert.Equal([2, 3], checkpoint.Read("kind").Span.ToArray());
        FloatTensor expanded = checkpoint.Read("row");
        Assert.Equal([4, 2], expanded.Shape);
        Assert.Equal([1, 2, 1, 2, 1, 2, 1, 2], expanded.Span.ToArray());
        (string Name, string Text)[] texts =
        [
            ("epoch", "7"), ("namespace.lr", "0.5"), ("easy.lr", "0.1"), ("easy.model.name", "vim"),
            ("config._content.lr", "0.1"), ("slots.b", "two"), ("path", "/runs/a"),
            ("old.f8", "0.5"), ("new.f8", "0.5"), ("old.u1", "7"), ("new.f2", "1"),
        ];
        foreach ((string name, string text) in texts)
            Assert.Equal(text, checkpoint.Metadata[name]);
        Assert.DoesNotContain("old.big", checkpoint.Metadata.Keys);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_whole_module_opens_as_its_state(int protocol)
    {
        using Checkpoint checkpoint = Checkpoint.Open(Golden($"module-{protocol}.pkl"));
        Assert.Equal("", checkpoint.WeightsKey);
        Assert.Equal(["mean", "0.weight", "1.weight"], checkpoint.Entries.Select(entry => entry.Name));
        Assert.Equal([1, 2, 3, 4, 5, 6], checkpoint.Read("1.weight").Span.ToArray());
    }

    [Fact]
    public void A_module_under_a_key_and_one_before_PyTorch_1_6_open_too()
    {
        Builder module = Module(legacy: false, ("w", Builder.Tensor("FloatStorage", "0", 6, [2L], [1L])));
        var top = new Dictionary<string, object?> { ["model"] = module, ["epoch"] = 3 };
        byte[] zip = TorchFiles.Zip(Builder.Of(top), Storage);
        using (Checkpoint checkpoint = Checkpoint.Open(_folder.Write("module.pt", zip)))
        {
            Assert.Equal("model", checkpoint.WeightsKey);
            Assert.Equal([1, 2], checkpoint.Read("w").Span.ToArray());
            Assert.Equal(["epoch"], checkpoint.Metadata.Keys);
        }
        Builder old = Module(legacy: true, ("w", Builder.Tensor("FloatStorage", "0", 6, [2L], [1L], legacy: true)));
        byte[] legacy = TorchFiles.Legacy(Builder.Of(old), ("0", 6, Storage["0"]));
        using (Checkpoint checkpoint = Checkpoint.Open(_folder.Write("module.old.pt", legacy)))
            Assert.Equal([1, 2], checkpoint.Read("w").Span.ToArray());
    }

    [Fact]
    public void Modules_that_contain_each_other_many_times_or_themselves_are_refused()
    {
        // Each of 40 modules has the one before it twice: 2 to the 40 parts.
        var doubled = new Builder().Value(Module(legacy: false)).Raw('q', 0, '0');
        for (int i = 1; i < 40; i++)
            doubled.Value(Parent(new Builder().Raw('h', i - 1), new Builder().Raw('h', i - 1))).Raw('q', i, '0');
        Refused(doubled.Raw('h', 39), "more than 65536 parts");

        Builder endless = new Builder().Global("net", "Net").Raw(')', 0x81, 'q', 0)
            .Value(Attributes(new() { ["self"] = new Builder().Raw('h', 0) })).Raw('b');
        Refused(endless, "more than 64 modules in each other");
    }

    [Theory]
    [InlineData("torch._utils", "_rebuild_sparse_tensor", "it is a torch._utils._rebuild_sparse_tensor")]
    [InlineData("torch._utils", "_rebuild_qtensor", "it is a torch._utils._rebuild_qtensor")]
    [InlineData("mylib", "Weight", "it is a mylib.Weight")]
    public void An_object_in_the_place_of_a_tensor_is_named_when_it_is_needed(
        string module, string name, string expected)
    {
        string path = _folder.Write("objects.pth", TorchFiles.Zip(
            Builder.Of(new Dictionary<string, object?>
            {
                ["w"] = Builder.Tensor("FloatStorage", "0", 6, [2L], [1L]),
                ["v"] = new Builder().Global(module, name).Value(new object?[] { 1L }).Raw('R'),
            }),
            Storage));
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal([1, 2], checkpoint.Read("w").Span.ToArray());
        Assert.Equal(["v"], checkpoint.Unreadable.Keys);
        var e = Assert.Throws<BitisException>(() => checkpoint.Read("v"));
        Assert.StartsWith($"{path}: tensor 'v' cannot be read: {expected}", e.Message);
    }

    [Fact]
    public void An_array_in_the_place_of_a_tensor_is_named_with_its_class()
    {
        var array = new Builder().Global("numpy._core.multiarray", "_reconstruct")
            .Value(new object?[] { new Builder().Global("numpy", "ndarray"), new object?[] { 0L }, "b" }).Raw('R');
        string path = _folder.Write("array.pth", TorchFiles.Zip(
            Builder.Of(new Dictionary<string, object?>
            {
                ["w"] = Builder.Tensor("FloatStorage", "0", 6, [2L], [1L]),
                ["v"] = array,
            }),
            Storage));
        using Checkpoint checkpoint = Checkpoint.Open(path);
        string message = Assert.Throws<BitisException>(() => checkpoint.Read("v")).Message;
        Assert.Contains("it is a numpy.ndarray (numpy._core.multiarray._reconstruct), which is not supported", message);
        Assert.DoesNotContain("malicious", message);
    }

    [Theory]
    [InlineData("QInt8Storage", 6)]
    [InlineData("ComplexDoubleStorage", 96)]
    public void Storages_that_nobody_reads_may_lie_beside_the_weights(string storage, int bytes)
    {
        foreach (bool legacy in (bool[])[false, true])
        {
            byte[] pickle = Builder.Of(new Dictionary<string, object?>
            {
                ["other"] = Builder.Tensor(storage, "1", 6, [6L], [1L], legacy: legacy),
                ["w"] = Builder.Tensor("FloatStorage", "0", 6, [2L], [1L], legacy: legacy),
            });
            byte[] file = legacy
                ? TorchFiles.Legacy(pickle, ("1", 6, new byte[bytes]), ("0", 6, Storage["0"]))
                : TorchFiles.Zip(pickle, new Dictionary<string, byte[]>(Storage) { ["1"] = new byte[bytes] });
            using Checkpoint checkpoint = Checkpoint.Open(_folder.Write("storages.pth", file));
            Assert.Equal([1, 2], checkpoint.Read("w").Span.ToArray());
            Assert.Equal(["other"], checkpoint.LeftOut);
            Assert.Contains($"a torch.{storage}", checkpoint.Unreadable["other"]);
        }
    }

    [Fact]
    public void A_storage_of_unknown_size_is_named_where_others_follow_it()
    {
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["w"] = Builder.Tensor("StrangeStorage", "0", 6, [2L], [1L], legacy: true),
        });
        string path = _folder.Write("strange.pth", TorchFiles.Legacy(pickle, ("0", 6, Storage["0"])));
        Assert.Contains(
            "the storage '0' is a torch.StrangeStorage",
            Assert.Throws<BitisException>(() => Checkpoint.Open(path)).Message);
    }

    private string Golden(string name) =>
        _folder.Write(name, TorchFiles.Zip(File.ReadAllBytes(GoldenFiles.Path($"pickles/{name}")), Storage));

    private void Refused(Builder root, string expected)
    {
        string path = _folder.Write("bad.pt", TorchFiles.Zip(Builder.Of(root), Storage));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.StartsWith(path, e.Message);
        Assert.Contains(expected, e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    private static Builder Module(bool legacy, params (string Name, Builder Value)[] parameters)
    {
        var type = new Builder().Global("net", "Net");
        if (legacy) // its source code is beside the class
            type = new Builder().Value(new object?[] { "module", type, "net.py", "class Net: pass" }).Raw('Q');
        Dictionary<string, object?> values = parameters.ToDictionary(pair => pair.Name, pair => (object?)pair.Value);
        return new Builder().Value(type).Raw(')', 0x81).Value(Attributes([], values)).Raw('b');
    }

    private static Builder Parent(Builder first, Builder second) => new Builder().Global("net", "Net").Raw(')', 0x81)
        .Value(Attributes(new() { ["a"] = first, ["b"] = second })).Raw('b');

    private static Dictionary<string, object?> Attributes(
        Dictionary<string, object?> modules, Dictionary<string, object?>? parameters = null) => new()
        {
            ["_parameters"] = parameters ?? [],
            ["_buffers"] = new Dictionary<string, object?>(),
            ["_modules"] = modules,
        };
}
