using System.IO.Compression;
using Bitis.Checkpoints;
using Bitis.Tensors;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>What PyTorch files may hold: views, element types, objects beside the weights.</summary>
public sealed class TorchReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Transposed_and_offset_views_of_one_storage_are_gathered()
    {
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["plain"] = Builder.Tensor("FloatStorage", "0", 6, [2L, 3L], [3L, 1L]),
            ["transposed"] = Builder.Tensor("FloatStorage", "0", 6, [3L, 2L], [1L, 3L]),
            ["column"] = Builder.Tensor("FloatStorage", "0", 6, [2L], [3L], offset: 2),
            ["scalar"] = Builder.Tensor("FloatStorage", "0", 6, [], [], offset: 4),
            ["empty"] = Builder.Tensor("FloatStorage", "0", 6, [0L, 3L], [9L, 9L], offset: 99),
        });
        foreach (CompressionLevel compression in
            (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Optimal])
        {
            byte[] file = TorchFiles.Zip(pickle, Storage("0", TorchFiles.Floats(1, 2, 3, 4, 5, 6)), compression);
            using var checkpoint = Checkpoint.Open(_folder.Write("views.pth", file));
            Assert.Equal("", checkpoint.WeightsKey);
            Assert.Equal([1, 2, 3, 4, 5, 6], checkpoint.Read("plain").Span.ToArray());
            Assert.Equal([1, 4, 2, 5, 3, 6], checkpoint.Read("transposed").Span.ToArray());
            Assert.Equal([3, 6], checkpoint.Read("column").Span.ToArray());
            Assert.Equal([5], checkpoint.Read("scalar").Span.ToArray());
            Assert.Equal([0, 3], checkpoint.Read("empty").Shape);
            Assert.Equal(TorchFiles.Floats(3, 6), checkpoint.ReadBytes("column"));
        }
    }

    [Fact]
    public void Element_types_become_float32()
    {
        (string Type, byte[] Bytes, float[] Expected)[] cases =
        [
            ("HalfStorage", [0x00, 0x3C, 0x00, 0xC0], [1, -2]),
            ("BFloat16Storage", [0x80, 0x3F, 0x00, 0xC0], [1, -2]),
            ("DoubleStorage", [.. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-3.0)], [1.5f, -3]),
            ("CharStorage", [1, 0xFE], [1, -2]),
            ("ByteStorage", [1, 0xFE], [1, 254]),
            ("ShortStorage", [1, 0, 0xFE, 0xFF], [1, -2]),
            ("IntStorage", [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF], [1, -2]),
            ("LongStorage", [.. BitConverter.GetBytes(7L), .. BitConverter.GetBytes(-2L)], [7, -2]),
            ("BoolStorage", [0, 1], [0, 1]),
        ];
        foreach ((string type, byte[] bytes, float[] expected) in cases)
        {
            byte[] zip = Builder.Of(Weights(Builder.Tensor(type, "0", 2, [2L], [1L])));
            using (
                var checkpoint = Checkpoint.Open(_folder.Write("types.pth", TorchFiles.Zip(zip, Storage("0", bytes)))))
            {
                Assert.Equal(expected, checkpoint.Read("w").Span.ToArray());
            }

            byte[] legacy = Builder.Of(Weights(Builder.Tensor(type, "0", 2, [2L], [1L], legacy: true)));
            using (
                var checkpoint = Checkpoint.Open(
                    _folder.Write("types.old.pth", TorchFiles.Legacy(legacy, ("0", 2, bytes)))))
            {
                Assert.Equal(expected, checkpoint.Read("w").Span.ToArray());
            }
        }
    }

    [Fact]
    public void An_untyped_storage_takes_its_type_from_the_tensor()
    {
        object?[] id = ["storage", new Builder().Global("torch.storage", "UntypedStorage"), "0", "cpu", 4L];
        object?[] arguments =
        [
            new Builder().Value(id).Raw('Q'), 0L, new object?[] { 2L }, new object?[] { 1L }, false, null,
            new Builder().Global("torch", "uint16"), null,
        ];
        Builder tensor = new Builder().Global("torch._utils", "_rebuild_tensor_v3").Value(arguments).Raw('R');
        byte[] file = TorchFiles.Zip(Builder.Of(Weights(tensor)), Storage("0", [1, 0, 0xFF, 0xFF]));
        using var checkpoint = Checkpoint.Open(_folder.Write("untyped.pth", file));
        Assert.Equal([1, 65535], checkpoint.Read("w").Span.ToArray());
        Assert.Equal(DType.UInt16, checkpoint.Entries[0].DType);
    }

    [Fact]
    public void Arguments_and_configurations_are_flattened_and_optimizer_state_is_left_alone()
    {
        Builder tensor = Builder.Tensor("FloatStorage", "0", 1, [1L], [1L]);
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["model"] = Weights(tensor),
            ["optimizer"] = new Dictionary<string, object?>
            {
                ["state"] = Weights(tensor),
                ["param_groups"] = new List<object?> { new Dictionary<string, object?> { ["lr"] = 0.1 } },
            },
            ["epoch"] = 299L,
            ["args"] = Builder.Object(
                "argparse", "Namespace", new() { ["model"] = "vim_tiny", ["lr"] = 1e-3, ["eval"] = false }),
            ["config"] = new Builder().Global("yacs.config", "CfgNode").Raw(')', 0x81, '(').Value("DATA")
                .Value(new Dictionary<string, object?> { ["SIZE"] = new object?[] { 224L, 224L } }).Raw('u')
                .Value(new Dictionary<string, object?> { ["__immutable__"] = true }).Raw('b'),
            ["folder"] = new Builder().Global("pathlib", "PosixPath").Value(
                new object?[] { "/", "runs", "a" }).Raw('R'),
        });
        using var checkpoint = Checkpoint.Open(
            _folder.Write("full.pth", TorchFiles.Zip(pickle, Storage("0", TorchFiles.Floats(1)))));
        Assert.Equal("model", checkpoint.WeightsKey);
        Assert.Equal("299", checkpoint.Metadata["epoch"]);
        Assert.Equal("vim_tiny", checkpoint.Metadata["args.model"]);
        Assert.Equal("0.001", checkpoint.Metadata["args.lr"]);
        Assert.Equal("false", checkpoint.Metadata["args.eval"]);
        Assert.Equal("[224, 224]", checkpoint.Metadata["config.DATA.SIZE"]);
        Assert.Equal("/runs/a", checkpoint.Metadata["folder"]);
        Assert.Equal(6, checkpoint.Metadata.Count);
    }

    [Fact]
    public void Weights_are_found_in_order_or_by_key_and_the_parallel_prefix_goes()
    {
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["model_ema"] = new Dictionary<string, object?>
            {
                ["module.w"] = Builder.Tensor("FloatStorage", "0", 2, [1L], [1L]),
            },
            ["state_dict"] = Weights(Builder.Tensor("FloatStorage", "0", 2, [1L], [1L], offset: 1)),
            ["net"] = new Dictionary<string, object?>
            {
                ["inner"] = Weights(Builder.Tensor("FloatStorage", "0", 2, [2L], [1L])),
            },
        });
        string path = _folder.Write("keys.pth", TorchFiles.Zip(pickle, Storage("0", TorchFiles.Floats(1, 2))));
        using (var checkpoint = Checkpoint.Open(path))
        {
            Assert.Equal("state_dict", checkpoint.WeightsKey);
            Assert.Equal(["state_dict", "model_ema", "net.inner"], checkpoint.WeightsKeys);
            Assert.Equal([2], checkpoint.Read("w").Span.ToArray());
        }
        using (var checkpoint = Checkpoint.Open(path, "model_ema"))
            Assert.Equal([1], checkpoint.Read("w").Span.ToArray());
        using (var checkpoint = Checkpoint.Open(path, "net.inner"))
            Assert.Equal([1, 2], checkpoint.Read("w").Span.ToArray());
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path, "teacher"));
        Assert.Contains("no weights under the key 'teacher'", e.Message);
        Assert.Contains("'model_ema', 'state_dict', 'net.inner'", e.Message);
    }

    [Fact]
    public void The_first_value_that_is_not_finite_is_found()
    {
        Assert.Null(Checkpoint.FindNonFinite(FloatTensor.From([2], [1, float.MaxValue])));
        Assert.Equal(1, Checkpoint.FindNonFinite(FloatTensor.From([3], [1, float.NaN, float.PositiveInfinity])));
        Assert.Equal(0, Checkpoint.FindNonFinite(FloatTensor.From([1], [float.NegativeInfinity])));
    }

    private static Dictionary<string, object?> Weights(Builder tensor) => new() { ["w"] = tensor };

    private static Dictionary<string, byte[]> Storage(string key, byte[] bytes) => new() { [key] = bytes };
}
