using System.Text;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Data;

/// <summary>CIFAR as Python's batches, in the forms that Python 2, Python 3 and NumPy write.</summary>
public sealed class CifarPythonTests : IDisposable
{
    private const int ImageLength = 3 * 32 * 32;

    private readonly TempFolder _folder = new();

    public enum Form
    {
        Python2,
        Python3,
        Buffers,
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cifar-10-batches-py", Form.Python2)]
    [InlineData("cifar-10-batches-py", Form.Python3)]
    [InlineData("cifar-10-batches-py", Form.Buffers)]
    [InlineData("cifar-10-python.tar.gz", Form.Python2)]
    [InlineData("set.zip", Form.Python2)]
    public void Batches_of_ten_classes_are_read(string name, Form form)
    {
        string[] names = [.. Enumerable.Range(0, 10).Select(i => $"kind{i}")];
        string set = TestArchives.Write(
            _folder[name],
            ("cifar-10-batches-py/data_batch_1", Batch(form, "labels", (3, 10), (9, 20))),
            ("cifar-10-batches-py/data_batch_2", Batch(form, "labels", (0, 30))),
            ("cifar-10-batches-py/test_batch", Batch(form, "labels", (7, 40))),
            ("cifar-10-batches-py/batches.meta", Meta(form, "label_names", names)),
            ("cifar-10-batches-py/readme.html", "<html>"u8.ToArray()));
        Assert.Contains($"{set}/train or {set}/test", Refusal(set));
        using ImageSource train = ImageSource.Open($"{set}/train"), test = ImageSource.Open($"{set}/test");
        Assert.Equal((int?[])[3, 9, 0], Enumerable.Range(0, train.Count).Select(train.Label));
        Assert.Equal([30, 31, 32], train.Read(2).Pixels[..3].ToArray());
        Assert.Equal("data_batch_2 0", train.Name(2));
        Assert.Equal(names, test.ClassNames);
        Assert.Equal((7, "CIFAR-10 (test_batch), 1 image, 10 classes"), (test.Label(0), test.Description));
    }

    [Theory]
    [InlineData(Form.Python2)]
    [InlineData(Form.Python3)]
    public void Batches_of_a_hundred_classes_count_the_fine_label(Form form)
    {
        string[] names = [.. Enumerable.Range(0, 100).Select(i => $"fine{i}")];
        _folder.Write("cifar-100-python/train", Batch(form, "fine_labels", (99, 1)));
        _folder.Write("cifar-100-python/test", Batch(form, "fine_labels", (98, 2)));
        string file = _folder["cifar-100-python/test"];
        using (ImageSource alone = ImageSource.Open(file))
            Assert.Equal((98, null, 100), (alone.Label(0), alone.ClassNames, alone.ClassCount));
        _folder.Write("cifar-100-python/meta", Meta(form, "fine_label_names", names));
        using ImageSource source = ImageSource.Open(file);
        Assert.Equal("fine98", source.ClassNames![98]);
    }

    [Fact]
    public void Files_that_are_called_so_and_are_no_batches_are_no_set()
    {
        _folder.Write("train", "text"u8);
        _folder.Write("a.png", TestImages.SolidPng(1, 1, 1));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal([$"{_folder.Path}: 1 file left out: 1 text."], source.Notices);
    }

    [Fact]
    public void Other_pickles_are_refused()
    {
        var labels = new Dictionary<string, object?> { ["labels"] = 1 };
        Builder command = new Builder().Global("posix", "system").Value(new object?[] { "a" }).Raw('R');
        Assert.Contains("no batch of CIFAR", Refusal(Write(Builder.Of(labels))));
        Assert.Contains("no dictionary", Refusal(Write(Builder.Of(1))));
        string harmful = Refusal(Write(Builder.Of(command)));
        Assert.Contains("can run commands", harmful);
        Assert.DoesNotContain("checkpoint", harmful);
        Assert.DoesNotContain("torch.save", harmful);
        byte[] batch = Batch(Form.Python2, "labels", (3, 10), (9, 20));
        byte[] wrong = Batch(Form.Python2, "labels", (3, 1), (10, 2));
        Assert.Contains("label of image 1 is no number from 0 to 9", Refusal(Write(wrong)));
        for (int length = 2; length < batch.Length; length += length < 400 ? 7 : 997)
            Refusal(Write(batch[..length]));
        _folder.Write("set/data_batch_1", batch);
        _folder.Write("set/data_batch_2", Batch(Form.Python2, "fine_labels", (3, 10)));
        Assert.Contains("data_batch_2: this is CIFAR-100, the files beside it are CIFAR-10", Refusal(_folder["set"]));
    }

    [Theory]
    [InlineData("u1", 1, 3071)]
    [InlineData("u1", 2, 3072)]
    [InlineData("i8", 1, 3072)]
    [InlineData("u1", 1L << 40, 3072)]
    public void Arrays_of_other_sizes_are_refused(string type, long count, long length)
    {
        var batch = new Dictionary<string, object?>
        {
            ["data"] = Array(Form.Python2, new byte[ImageLength], type, count, length),
            ["labels"] = new List<object?> { 1L },
        };
        Assert.Contains("1×3072 of u1 were expected for 1 label", Refusal(Write(Builder.Of(batch))));
    }

    [LinuxFact]
    public void A_file_that_is_too_long_is_refused_unread()
    {
        string path = Write([0x80, 2]);
        using (var file = new FileStream(path, FileMode.Open))
            file.SetLength((256 << 20) + 1L); // takes no room on the disk
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("268435457 bytes; at most 268435456 are accepted", Refusal(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    /// <summary>A batch; the pixels of an image's planes are a number and those after it.</summary>
    internal static byte[] Batch(Form form, string labelsKey, params (int Label, byte First)[] images)
    {
        byte[] data = new byte[images.Length * ImageLength];
        for (int i = 0; i < data.Length; i++)
            data[i] = (byte)(images[i / ImageLength].First + i % ImageLength / 1024);
        var labels = new Builder().Value(new List<object?>(images.Select(image => (object?)(long)image.Label)));
        Builder array = Array(form, data, "u1", images.Length, ImageLength);
        return Dictionary(form, ("batch_label", Text(form, "batch 1 of 5")), (labelsKey, labels), ("data", array));
    }

    private static byte[] Meta(Form form, string key, string[] names)
    {
        var list = new Builder().Raw(']');
        foreach (string name in names)
            list.Value(Text(form, name)).Raw('a');
        return Dictionary(form, ("num_vis", new Builder().Value(3072L)), (key, list));
    }

    private static byte[] Dictionary(Form form, params (string Key, Builder Value)[] items)
    {
        var pickle = new Builder().Raw(0x80, form == Form.Python2 ? 2 : 4, '}');
        foreach ((string key, Builder value) in items)
            pickle.Value(Text(form, key)).Value(value).Raw('s');
        return pickle.Raw('.').ToArray();
    }

    /// <summary>SHORT_BINSTRING of Python 2, SHORT_BINBYTES of Python 3.</summary>
    private static Builder Text(Form form, string text) =>
        new Builder().Raw(form == Form.Python2 ? 'U' : 'C', text.Length).Text(text);

    private static Builder Array(Form form, byte[] data, string typeName, long count, long length)
    {
        object?[] shape = [count, length];
        Builder type = new Builder().Global("numpy", "dtype").Value(new object?[] { typeName, false, true }).Raw('R')
            .Value(new object?[] { 3L, "|", null, null, null, -1L, -1L, 0L }).Raw('b');
        if (form == Form.Buffers)
        {
            return new Builder().Global("numpy._core.numeric", "_frombuffer")
                .Value(new object?[] { Contents(0x96, data, 8), type, shape, "C" }).Raw('R');
        }
        string module = form == Form.Python2 ? "numpy.core.multiarray" : "numpy._core.multiarray";
        object?[] empty = [new Builder().Global("numpy", "ndarray"), new object?[] { 0L }, Text(form, "b")];
        object?[] state = [1L, shape, type, false, Contents(form == Form.Python2 ? 'T' : 'B', data, 4)];
        return new Builder().Global(module, "_reconstruct").Value(empty).Raw('R').Value(state).Raw('b');
    }

    private static Builder Contents(int instruction, byte[] data, int lengthBytes) => new Builder().Raw(instruction)
        .Text(Encoding.Latin1.GetString(BitConverter.GetBytes((long)data.Length).AsSpan(0, lengthBytes)))
        .Text(Encoding.Latin1.GetString(data));

    private string Write(byte[] pickle) => _folder.Write("test_batch", pickle);

    private static string Refusal(string path) => Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message;
}
