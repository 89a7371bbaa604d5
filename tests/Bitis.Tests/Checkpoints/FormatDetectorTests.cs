using Bitis.Checkpoints;
using Bitis.Checkpoints.Folders;

namespace Bitis.Tests.Checkpoints;

/// <summary>What the first bytes of a file say that it is.</summary>
public sealed class FormatDetectorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("PK\x03\x04rest", "TorchZip")]
    [InlineData("PK\x05\x06", "TorchZip")] // an archive without entries
    [InlineData("\x80\x02rest", "TorchLegacy")]
    [InlineData("\x80\x05", "TorchLegacy")]
    [InlineData("cposix\nsystem\n.", "TorchLegacy")] // a pickle as text
    [InlineData("\x02\0\0\0\0\0\0\0{}", "Safetensors")]
    // too long, but binary: its reader says what is wrong
    [InlineData("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x07{}", "Safetensors")]
    public void Checkpoints_are_known_by_their_first_bytes(string latin1, string format)
    {
        using CheckpointFile file = Open(latin1);
        Assert.Equal(format, FormatDetector.Detect(file).ToString());
    }

    [Theory]
    [InlineData("\x80\x06rest", "the first bytes are 8006")] // a protocol that does not exist
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer")]
    [InlineData("\xEF\xBB\xBF \n<!DOCTYPE html>", "web page")]
    [InlineData("<?xml version='1.0'?>", "web page")]
    [InlineData("\x1F\x8B\x08", "gzip")]
    [InlineData("\x89HDF\r\n", "HDF5")]
    [InlineData("\u0008\u0008\u0012\u0005Bitis", "ONNX")]
    [InlineData("sys_info\0\0", "tar archive")]
    [InlineData("hello world", "a text file (it begins with \"hello world\")")]
    [InlineData("cat", "a text file")] // no pickle: there is no line
    [InlineData("12345678{\"a\":1}", "a text file")] // printable bytes are no length
    public void Everything_else_is_refused_by_name(string latin1, string expected)
    {
        using CheckpointFile file = Open(latin1);
        BitisException e = Assert.Throws<BitisException>(() => FormatDetector.Detect(file));
        Assert.StartsWith(file.Path, e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData(" \r\n\t{\"weight_map\":{}}", true)]
    [InlineData("\x02\0\0\0\0\0\0\0{}", false)]
    [InlineData("[]", false)]
    public void An_index_is_a_json_object(string latin1, bool isIndex)
    {
        using CheckpointFile file = Open(latin1);
        Assert.Equal(isIndex, ShardIndex.IsIndex(file));
    }

    [Theory]
    [InlineData("model-00001-of-00003.safetensors", true)]
    [InlineData("a/b-c-00002-of-00002.bin", true)]
    [InlineData("model-00001-of-00003.pth", false)]
    [InlineData("model-1-of-3.safetensors", false)]
    [InlineData("-00001-of-00003.bin", false)]
    [InlineData("model-00001-of-00003.safetensors.index.json", false)]
    public void Parts_are_known_by_their_names(string name, bool isPart) =>
        Assert.Equal(isPart, ShardName.IsPart(name));

    [Fact]
    public void The_only_part_is_a_whole_model()
    {
        ShardName.RequireWhole("model-00001-of-00001.safetensors");
        BitisException e = Assert.Throws<BitisException>(() => ShardName.RequireWhole("x/m-00001-of-00012.bin"));
        Assert.Contains("one of 12 files", e.Message);
        Assert.Contains("'m.bin.index.json'", e.Message);
    }

    private CheckpointFile Open(string latin1) =>
        CheckpointFile.Open(_folder.Write("file", System.Text.Encoding.Latin1.GetBytes(latin1)));
}
