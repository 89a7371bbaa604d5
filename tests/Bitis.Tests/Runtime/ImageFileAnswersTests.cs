using Bitis.Data.Decoding;
using Bitis.Models.Catalogue;

namespace Bitis.Tests.Runtime;

/// <summary>Sessions that answer for image files.</summary>
public sealed class ImageFileAnswersTests
{
    [Fact]
    public void Paths_streams_and_bytes_give_the_answer_for_the_pixels()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 4), seed: 1);
        using InferenceSession session = InferenceSession.Create(model);
        string path = GoldenFiles.Path("images/rgb.png");
        byte[] file = File.ReadAllBytes(path);
        IReadOnlyList<Prediction> expected = session.Classify(ImageDecoder.Default.Load(path), count: 3);
        using var stream = new MemoryStream(file);
        Assert.Equal(expected, session.Classify(path, count: 3));
        Assert.Equal(expected, session.Classify(stream, count: 3));
        Assert.Equal(expected, session.Classify(file, count: 3));
        Assert.True(stream.CanRead);
        Assert.Contains(
            "the image: this is text", Assert.Throws<BitisException>(() => session.Classify("text"u8)).Message);
        Assert.Contains("no such file", Assert.Throws<BitisException>(() => session.Classify("missing.png")).Message);
    }
}
