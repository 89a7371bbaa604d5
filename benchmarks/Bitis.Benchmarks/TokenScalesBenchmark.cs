using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Execution.Sessions.Maps;
using Bitis.Imaging;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// What segmentation loses with a scale for each token or one for the tensor, at two sizes of images.
/// </summary>
/// <remarks>
/// The loss is the error of the logits of the head's map relative to float32, and the share of pixels whose class
/// changes. The images are not those of calibration.
/// </remarks>
internal static class TokenScalesBenchmark
{
    private const int Images = 24;

    private const string Method = "mse";

    private static readonly string[] Bits = ["w8a8", "w4a8", "w4a4"];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="path">A checkpoint of a model that segments.</param>
    /// <param name="photos">The images: half of them calibrate, the others are segmented.</param>
    /// <param name="imageSize">The size of images for calibration.</param>
    public static void Run(string path, string photos, int imageSize)
    {
        VisionModel model = VisionModel.Load(path, new ModelOptions { ImageSize = imageSize });
        using ImageSource source = ImageSource.Open(photos, new ImageDecoder());
        ImageSource drawn = source.Take(2 * Images, seed: 0);
        int size = imageSize;
        var calibration = new List<FloatTensor>();
        var same = new List<FloatTensor>();
        var larger = new List<FloatTensor>();
        (int height, int width) = (size * 3 / 2, size * 9 / 8);
        for (int i = 0; i < drawn.Count; i++)
        {
            FloatTensor image = WholeImage.Prepare(drawn.Read(i), model.Preprocessing);
            (i % 2 == 0 ? calibration : same).Add(Cut(image, size, size));
            if (i % 2 == 1)
                larger.Add(Cut(WholeImage.Prepare(drawn.Read(i), model.Preprocessing.Resized(height)), height, width));
        }
        var windows = CalibrationSet.FromTensors(calibration);
        using SegmentationSession exact = SegmentationSession.Create(model);
        Console.WriteLine(
            $"| scope, bits ({Method}) | granularity | {size}×{size} | {height}×{width} "
            + $"| windows of {size} in these |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (Scope scope in (Scope[])[Scope.Linear, Scope.Full])
        {
            foreach (string bits in Bits)
            {
                foreach (Granularity granularity in (Granularity[])[Granularity.PerToken, Granularity.PerTensor])
                {
                    var recipe = new Recipe
                    {
                        Method = Method,
                        Scope = scope,
                        Bits = BitWidths.Parse(bits),
                        ActivationGranularity = granularity,
                    };
                    using SegmentationSession session = SegmentationSession.Create(
                        PostTrainingQuantizer.Quantize(model, windows, recipe));
                    string usual = Compare(same, Run(exact), Run(session));
                    string others = Compare(larger, Run(exact), Run(session));
                    var window = new SlidingWindow(size, size * 2 / 3);
                    string slid = Compare(larger, Slide(exact, window), Slide(session, window));
                    Console.WriteLine(
                        $"| {scope.ToString().ToLowerInvariant()}, {bits} | {granularity} | {usual} "
                        + $"| {others} | {slid} |");
                }
            }
        }
    }

    private static Func<FloatTensor, LogitsMap> Run(SegmentationSession session) => image =>
    {
        FloatTensor logits = session.RunHead(image, CancellationToken.None);
        return new LogitsMap(FloatTensor.From(logits.Shape.DropFirst(), logits.Span), 1, logits.Shape[1]);
    };

    private static Func<FloatTensor, LogitsMap> Slide(SegmentationSession session, SlidingWindow window) =>
        image => session.Slide(image, window, CancellationToken.None);

    /// <summary>The relative error of the logits, and the share of places with another class.</summary>
    private static string Compare(
        IEnumerable<FloatTensor> images, Func<FloatTensor, LogitsMap> exact, Func<FloatTensor, LogitsMap> quantized)
    {
        double errors = 0, squares = 0, changed = 0, places = 0;
        foreach (FloatTensor image in images)
        {
            FloatTensor expected = exact(image).Values, actual = quantized(image).Values;
            for (int i = 0; i < expected.Length; i++)
            {
                errors += Math.Pow(actual.Span[i] - expected.Span[i], 2);
                squares += Math.Pow(expected.Span[i], 2);
            }
            int classes = expected.Shape[1];
            for (int place = 0; place < expected.Shape[0]; place++, places++)
            {
                if (Largest(expected.Span.Slice(place * classes, classes))
                    != Largest(actual.Span.Slice(place * classes, classes)))
                {
                    changed++;
                }
            }
        }
        return $"{Math.Sqrt(errors / squares):P2}, {changed / places:P2}";
    }

    private static int Largest(ReadOnlySpan<float> values) =>
        System.Numerics.Tensors.TensorPrimitives.IndexOfMax(values);

    /// <summary>The middle of an image.</summary>
    private static FloatTensor Cut(FloatTensor image, int height, int width)
    {
        (int channels, int oldHeight, int oldWidth) = (image.Shape[1], image.Shape[2], image.Shape[3]);
        FloatTensor window = FloatTensor.Uninitialized([1, channels, height, width]);
        for (int i = 0; i < window.Length; i++)
        {
            int row = (i / width % height) + ((oldHeight - height) / 2), column = i % width;
            int line = (i / width / height * oldHeight) + row;
            window.Span[i] = image.Span[(line * oldWidth) + column + ((oldWidth - width) / 2)];
        }
        return window;
    }
}
