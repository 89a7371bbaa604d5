using Bitis.Checkpoints;
using Bitis.Tensors;

namespace Bitis.Tests.Checkpoints;

/// <summary>The same official weights in every file form give the same tensors.</summary>
public sealed class CheckpointGoldenTests
{
    [Theory]
    [InlineData("vim-micro.pth", CheckpointFormat.TorchZip, "model", 0f)]
    [InlineData("vim-micro.legacy.pth", CheckpointFormat.TorchLegacy, "model", 0f)]
    [InlineData("vim-micro.fp16.pth", CheckpointFormat.TorchZip, "model", 1f / 2048)]
    public void All_forms_hold_the_weights_of_the_safetensors_file(
        string name, object formatValue, string weightsKey, float relativeError)
    {
        var format = (CheckpointFormat)formatValue;
        using var expected = Checkpoint.Open(GoldenFiles.Path("vim-micro.safetensors"));
        using var actual = Checkpoint.Open(GoldenFiles.Path(name));
        Assert.Equal(CheckpointFormat.Safetensors, expected.Format);
        Assert.Equal("", expected.WeightsKey);
        Assert.Equal(format, actual.Format);
        Assert.Equal(weightsKey, actual.WeightsKey);
        Assert.Equal(expected.Entries.Select(e => e.Name).Order(), actual.Entries.Select(e => e.Name).Order());
        Assert.NotEmpty(expected.Entries);
        foreach (CheckpointEntry entry in expected.Entries)
        {
            FloatTensor want = expected.Read(entry.Name);
            FloatTensor have = actual.Read(entry.Name);
            Assert.Equal(want.Shape, have.Shape);
            for (int i = 0; i < want.Length; i++)
            {
                float allowed = (Math.Abs(want.Span[i]) * relativeError) + (relativeError > 0 ? 1e-7f : 0);
                Assert.True(
                    Math.Abs(want.Span[i] - have.Span[i]) <= allowed,
                    $"{entry.Name}[{i}]: {want.Span[i]}, {have.Span[i]}");
            }
        }
    }

    [Fact]
    public void Scalars_beside_the_weights_are_metadata()
    {
        using var checkpoint = Checkpoint.Open(GoldenFiles.Path("vim-micro.pth"));
        Assert.Equal("3", checkpoint.Metadata["epoch"]);
        Assert.Equal(["model"], checkpoint.WeightsKeys);
        Assert.Equal(new FileInfo(checkpoint.Path).Length, checkpoint.FileLength);
    }

    [SharedFact("golden/vim-tiny-random.fp16.pth")]
    public void A_published_file_with_arguments_is_read()
    {
        using var checkpoint = Checkpoint.Open(SharedFiles.Find("golden/vim-tiny-random.fp16.pth")!);
        Assert.Contains(checkpoint.Metadata, pair => pair.Key.StartsWith("args.", StringComparison.Ordinal));
        Assert.All(checkpoint.Entries, e => Assert.Null(Checkpoint.FindNonFinite(checkpoint.Read(e.Name))));
        Assert.Equal(192, checkpoint.Read("norm_f.weight").Length);
    }

    [SharedFact("golden/vmamba-micro.pth")]
    public void A_published_file_with_optimizer_state_is_read()
    {
        using var checkpoint = Checkpoint.Open(SharedFiles.Find("golden/vmamba-micro.pth")!);
        Assert.Equal("model", checkpoint.WeightsKey);
        Assert.All(checkpoint.Entries, e => Assert.Equal(e.Shape, checkpoint.Read(e.Name).Shape));
        Assert.DoesNotContain(checkpoint.Entries, e => e.Name.Contains("exp_avg", StringComparison.Ordinal));
    }
}
