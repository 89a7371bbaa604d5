using System.IO.Compression;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.Decoding;
using Bitis.Tests.Data;
using Bitis.Tests.Quantization;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// Files that somebody cuts off while they are open: an error with the file's name, never the end of the process, and
/// no change to what has been read. No file is mapped into memory.
/// </summary>
public sealed class TruncationTests : IDisposable
{
    private const int Floats = 300_000;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, long> Cuts()
    {
        var cuts = new TheoryData<string, long>();
        foreach (string format in (string[])["safetensors", "zip", "deflated", "legacy", "half"])
        {
            foreach (long length in (long[])[0, 1, 4096, 1_000_000])
                cuts.Add(format, length);
        }
        return cuts;
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void A_checkpoint_that_is_cut_off_after_it_was_opened(string format, long length)
    {
        string path = _folder.Write("model", Checkpoint(format));
        using Checkpoint checkpoint = Bitis.Checkpoints.Checkpoint.Open(path);
        Cut(path, length);
        Assert.StartsWith(
            $"{path}: tensor 'b': the file was cut off while it was read", Message(() => checkpoint.Read("b")));
        Assert.Contains("was cut off while it was read", Message(() => checkpoint.ReadBytes("b")));
    }

    [Theory]
    [InlineData("safetensors")]
    [InlineData("zip")]
    [InlineData("deflated")]
    [InlineData("legacy")]
    [InlineData("half")]
    public void A_checkpoint_that_is_cut_off_between_two_tensors(string format)
    {
        string path = _folder.Write("model", Checkpoint(format));
        using Checkpoint checkpoint = Bitis.Checkpoints.Checkpoint.Open(path);
        FloatTensor first = checkpoint.Read("a");
        float[] before = first.Span.ToArray();
        Cut(path, 2000);
        Assert.Contains("was cut off while it was read", Message(() => checkpoint.Read("b")));
        Assert.Equal(before, first.Span.ToArray());
    }

    [Fact]
    public void A_model_file_that_is_cut_off_under_a_running_session()
    {
        var model = MicroModel.Load();
        string path = _folder["model.bitis"], checkpoint = _folder["model.safetensors"];
        MicroModel.Quantize(model, new Recipe()).Save(path);
        model.Save(checkpoint);
        QuantizedModel quantized = QuantizedModel.Load(path);
        var original = Bitis.VisionModel.Load(checkpoint);
        FloatTensor images = MicroModel.Images(model, 2, seed: 3);
        using InferenceSession first = InferenceSession.Create(quantized), second = InferenceSession.Create(original);
        float[] expected = first.Run(images).Span.ToArray(), expectedFloat = second.Run(images).Span.ToArray();

        Cut(path, 0);
        Cut(checkpoint, 100);
        Assert.Equal(expected, first.Run(images).Span.ToArray());
        Assert.Equal(expectedFloat, second.Run(images).Span.ToArray());
        using InferenceSession again = InferenceSession.Create(quantized); // what was loaded needs no file
        Assert.Equal(expected, again.Run(images).Span.ToArray());
        Assert.StartsWith(path, Message(() => QuantizedModel.Load(path)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(150)]
    public void A_zip_of_images_that_is_cut_off(long length)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create))
        {
            foreach (string name in (string[])["cat/a.png", "dog/b.png"])
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(TestImages.Png(64, 64, 8, 2, Noise(64 * 193)));
            }
        }
        string path = _folder.Write("set.zip", memory.ToArray());
        using ImageSource source = ImageSource.Open(path);
        Cut(path, length);
        Assert.StartsWith(path, Message(() => source.Read(1)));
    }

    [Fact]
    public void Binary_image_files_that_are_cut_off()
    {
        string cifar = _folder.Write("test_batch.bin", new byte[3 * 3073]);
        using ImageSource source = ImageSource.Open(cifar);
        Cut(cifar, 4000);
        source.Read(0);
        Assert.Contains("it was longer when it was opened", Message(() => source.Read(1)));

        string idx = _folder.Write(
            "train-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]);
        using ImageSource whole = ImageSource.Open(idx);
        Cut(idx, 0);
        Assert.Equal(3, whole.Read(1).Pixels[0]); // it was read whole
    }

    private static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(5).NextBytes(bytes);
        for (int row = 0; row < length; row += 193)
            bytes[row] = 0; // no filter
        return bytes;
    }

    private byte[] Checkpoint(string format)
    {
        byte[] floats = new byte[4 * Floats];
        new Random(4).NextBytes(floats);
        DType type = format == "half" ? DType.Float16 : DType.Float32;
        if (format is "safetensors" or "half")
        {
            int count = floats.Length * 8 / type.BitSize();
            SafetensorsWriter.Write(_folder["x"], [new("a", type, [count], floats), new("b", type, [count], floats)]);
            return File.ReadAllBytes(_folder["x"]);
        }
        bool legacy = format == "legacy";
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["a"] = Builder.Tensor("FloatStorage", "0", Floats, [(long)Floats], [1L], legacy: legacy),
            ["b"] = Builder.Tensor("FloatStorage", "1", Floats, [(long)Floats], [1L], legacy: legacy),
        });
        return legacy
            ? TorchFiles.Legacy(pickle, ("0", Floats, floats), ("1", Floats, floats))
            : TorchFiles.Zip(
                pickle,
                new Dictionary<string, byte[]> { ["0"] = floats, ["1"] = floats },
                format == "zip" ? CompressionLevel.NoCompression : CompressionLevel.Fastest);
    }

    /// <summary>Shortens a file in place, as a copy that is started over does.</summary>
    private static void Cut(string path, long length)
    {
        using var stream = new FileStream(
            path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        stream.SetLength(length);
    }

    private static string Message(Action read) => Assert.Throws<BitisException>(read).Message;
}
