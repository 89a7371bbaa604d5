using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Pages.Sections;
using Bitis.Cli.Runtimes;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Models.Poses;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>How far the poses of two models lie apart, and the images in which they do so most.</summary>
internal static class PoseDisagreements
{
    private const int BatchSize = 8;

    /// <summary>Picture pixels for each pixel of the image, so that fractions of a pixel can be seen.</summary>
    private const int Zoom = 4;

    private const float HalfStroke = 0.3f;
    private static readonly byte[] OriginalColour = [0, 220, 255], QuantizedColour = [255, 140, 0];

    /// <summary>Compares the answers of both models.</summary>
    /// <param name="pair">The models.</param>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    public static PageSection Find(ModelPair pair, ImageSource images, string description)
    {
        using InferenceSession session = pair.Model.CreateSession(pair.Options, pair.Cancellation);
        using InferenceSession original = pair.Original.CreateSession(pair.Options, pair.Cancellation);
        int side = session.Config.ImageSize, done = 0;
        var errors = new PoseErrors();
        var found = new List<(int Index, ShapePose Ours, ShapePose Theirs)>();
        foreach (ImageBatch batch in ImageLoader.Load(
            images, session.Preprocessing, BatchSize, pair.Threads, pair.Cancellation))
        {
            FloatTensor ours = session.Run(batch.Images, pair.Cancellation);
            FloatTensor theirs = original.Run(batch.Images, pair.Cancellation);
            Logits.RequireFinite(ours, image => batch.Names[image]);
            Logits.RequireFinite(theirs, image => batch.Names[image], Logits.Reference);
            for (int i = 0; i < batch.Count; i++)
            {
                ShapePose expected = PoseOf(theirs, i, side);
                found.Add((batch.StartIndex + i, PoseOf(ours, i, side), expected));
                errors.Add(
                    ours.Span.Slice(i * PoseEncoding.Numbers, PoseEncoding.Numbers), expected, side);
            }
            done += batch.Count;
            pair.Progress.Report(new WorkProgress("comparing", done, images.Count));
        }
        found = [.. found.OrderByDescending(one => Distance(one.Ours, one.Theirs))];
        return DisagreementSection.Create(
            pair.Model.Reference, pair.Original.Reference,
            [
                ("images", $"{description}; {done} compared"),
                ("on average", PoseDifference.Of(errors).Describe()),
            ],
            "The most different: the pose of the original in blue, that of the quantized model in orange",
            [
                .. found.Take(Thumbnail.Most).Select(one => new PageImage(
                    Thumbnail.Png(Picture(
                        session.Preprocessing.ResizeAndCrop(
                            images.Read(one.Index).WithChannels(PixelImage.RgbChannels)),
                        one.Ours, one.Theirs)), images.Name(one.Index),
                    [
                        $"{Distance(one.Ours, one.Theirs):0.00} pixels apart",
                        $"radius {one.Ours.Radius - one.Theirs.Radius:+0.00;-0.00} pixels",
                        $"angle {PoseEncoding.AngleBetween(one.Ours.Angle, one.Theirs.Angle):0.0}°",
                    ])),
            ],
            new PageTable(
                "Differences of poses", ["image", ">distance, pixels", ">radius, pixels", ">angle, degrees"],
                [
                    .. found.Select(one => (string[])
                    [
                        images.Name(one.Index), PageText.Number(Math.Round(Distance(one.Ours, one.Theirs), 3)),
                        PageText.Number(Math.Round(one.Ours.Radius - one.Theirs.Radius, 3)),
                        PageText.Number(
                            Math.Round(PoseEncoding.AngleBetween(one.Ours.Angle, one.Theirs.Angle), 2)),
                    ]),
                ]));
    }

    private static ShapePose PoseOf(FloatTensor numbers, int image, int side) => PoseEncoding.Decode(
        numbers.Span.Slice(image * PoseEncoding.Numbers, PoseEncoding.Numbers), side);

    private static float Distance(ShapePose pose, ShapePose other) =>
        MathF.Sqrt(((pose.X - other.X) * (pose.X - other.X)) + ((pose.Y - other.Y) * (pose.Y - other.Y)));

    /// <summary>The image with both poses: a circle, and a line that shows how far the shape is turned.</summary>
    /// <param name="image">The image as the model sees it.</param>
    /// <param name="ours">A pose.</param>
    /// <param name="theirs">Another one.</param>
    private static PixelImage Picture(PixelImage image, ShapePose ours, ShapePose theirs)
    {
        int width = image.Width * Zoom, height = image.Height * Zoom;
        byte[] pixels = new byte[width * height * PixelImage.RgbChannels];
        for (int i = 0; i < width * height; i++)
        {
            (int y, int x) = Math.DivRem(i, width);
            (float px, float py) = ((x + 0.5f) / Zoom, (y + 0.5f) / Zoom);
            ReadOnlySpan<byte> colour = IsOnPose(ours, px, py) ? QuantizedColour
                : IsOnPose(theirs, px, py) ? OriginalColour
                : image.Row(y / Zoom).Slice(x / Zoom * PixelImage.RgbChannels, PixelImage.RgbChannels);
            colour.CopyTo(pixels.AsSpan(i * PixelImage.RgbChannels));
        }
        return PixelImage.Rgb(width, height, pixels);
    }

    private static bool IsOnPose(ShapePose pose, float x, float y)
    {
        (float dx, float dy) = (x - pose.X, y - pose.Y);
        (float sin, float cos) = MathF.SinCos(pose.Angle);
        float along = (dx * cos) + (dy * sin), across = (dy * cos) - (dx * sin);
        return Math.Abs(MathF.Sqrt((dx * dx) + (dy * dy)) - pose.Radius) < HalfStroke
            || (along >= 0 && along <= pose.Radius && Math.Abs(across) < HalfStroke);
    }
}
