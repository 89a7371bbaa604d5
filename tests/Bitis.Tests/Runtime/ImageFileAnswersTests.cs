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

    [Fact]
    public async Task Asynchronous_forms_give_the_same_answers()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 4), seed: 1);
        using InferenceSession session = InferenceSession.Create(model);
        string path = GoldenFiles.Path("images/rgb.png");
        byte[] file = await File.ReadAllBytesAsync(path);
        IReadOnlyList<Prediction> expected = session.Classify(path, count: 3);
        using var upload = new AsyncStream(file);
        Assert.Equal(expected, await session.ClassifyAsync(path, count: 3));
        Assert.Equal(expected, await session.ClassifyAsync(upload, count: 3));
        Assert.Equal(expected, await session.ClassifyAsync(file, count: 3));
        Assert.True(upload.CanRead);
        BitisException text = await Assert.ThrowsAsync<BitisException>(() => session.ClassifyAsync("text"u8.ToArray()));
        Assert.Contains("the image: this is text", text.Message);
        BitisException missing = await Assert.ThrowsAsync<BitisException>(() => session.ClassifyAsync("missing.png"));
        Assert.Contains("no such file", missing.Message);
        using var again = new AsyncStream(file);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => session.ClassifyAsync(again, cancellationToken: new CancellationToken(canceled: true)));
    }

    /// <summary>The body of a request: it cannot be read synchronously.</summary>
    private sealed class AsyncStream(byte[] bytes) : MemoryStream(bytes)
    {
        private readonly MemoryStream _bytes = new(bytes);

        public override int Read(Span<byte> buffer) => throw new InvalidOperationException();

        public override int Read(byte[] buffer, int offset, int count) => throw new InvalidOperationException();

        protected override void Dispose(bool disposing)
        {
            _bytes.Dispose();
            base.Dispose(disposing);
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            return _bytes.Read(buffer.Span[..Math.Min(buffer.Length, 100)]);
        }
    }
}
