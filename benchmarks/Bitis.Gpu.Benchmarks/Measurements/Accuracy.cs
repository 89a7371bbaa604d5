using System.Globalization;
using System.Numerics.Tensors;
using Bitis.Data;
using Bitis.Data.Sources;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>The answers of a trained model on the GPU beside those of the CPU.</summary>
internal static class Accuracy
{
    private const int MostImages = 10_000, Batch = 100, CalibrationImages = 32;
    private const double LeastAgreement = 0.999;

    /// <summary>Measures and writes a table; false if a precision disagrees with the CPU too often.</summary>
    /// <param name="open">Opens the GPU.</param>
    /// <param name="modelPath">A float model.</param>
    /// <param name="imagesPath">A set without image files, such as <c>builtin/test</c> or CIFAR-10's.</param>
    /// <param name="rest">Nothing; or the first image, how many, and the precisions, if not all of them.</param>
    /// <param name="isEmulated">Whether one image is enough by default.</param>
    /// <param name="output">Receives the table.</param>
    /// <exception cref="BitisException">The arguments or files cannot be used.</exception>
    public static bool Run(
        Func<GpuDevice> open, string modelPath, string imagesPath, string[] rest, bool isEmulated, TextWriter output)
    {
        VisionModel model = VisionModel.Load(modelPath);
        using ImageSource all = ImageSource.Open(imagesPath, decoder: null);
        int first = rest.Length > 0 ? Number(rest[0], 0, all.Count - 1) : 0, most = all.Count - first;
        int count = rest.Length > 1 ? Number(rest[1], 1, most) : Math.Min(most, isEmulated ? 1 : MostImages);
        BenchmarkModel[] precisions = [.. BenchmarkModel.TrainedOf(model, Calibration(model, all))];
        if (rest.Skip(2).FirstOrDefault(name => precisions.All(known => known.Precision != name)) is { } unknown)
        {
            throw new BitisException(
                $"There is no precision '{unknown}', only "
                    + $"{string.Join(", ", precisions.Select(p => $"'{p.Precision}'"))}.");
        }

        (FloatTensor images, IReadOnlyList<int?> labels) = Read(model, all, first, count);
        output.WriteLine(
            $"| {Path.GetFileNameWithoutExtension(modelPath)}, {all.Name(first)} to {all.Name(first + count - 1)} "
            + "| top-1 on the GPU | on the CPU | same answers | difference of logits: median image | largest "
            + "| share of the largest logit | other answers (lead on the CPU) |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");
        bool isGood = true;
        // What is one model on the CPU has one session there.
        foreach (IGrouping<Func<InferenceSession>, BenchmarkModel> forms in precisions
            .Where(p => rest.Length < 3 || rest.Contains(p.Precision)).GroupBy(p => p.CreateSession))
        {
            using InferenceSession session = forms.Key();
            FloatTensor expected = session.Run(images);
            foreach (BenchmarkModel form in forms)
            {
                try
                {
                    isGood &= Measure(open, form, images, expected, labels, first, output);
                }
                catch (BitisException e)
                {
                    output.WriteLine($"| {form.Precision} | {e.Message} | | | | | | |");
                }
                output.Flush();
            }
        }
        return isGood;
    }

    /// <summary>Images for calibration, of the set that is measured.</summary>
    public static CalibrationSet Calibration(VisionModel model, ImageSource images) =>
        CalibrationSet.FromImages(images, model.Preprocessing, CalibrationImages);

    /// <summary>Some images of a set as a model takes them, and their classes.</summary>
    public static (FloatTensor Images, IReadOnlyList<int?> Labels) Read(
        VisionModel model, ImageSource all, int first, int count)
    {
        using var some = new SubsetSource(all, [.. Enumerable.Range(first, count)]);
        ImageBatch batch = ImageLoader.Load(some, model.Preprocessing, count).First();
        return (batch.Images, batch.Labels);
    }

    private static int Number(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            && value >= least && value <= most
            ? value
            : throw new BitisException($"'{text}' is not a number from {least} to {most}.");

    private static bool Measure(
        Func<GpuDevice> open, BenchmarkModel precision, FloatTensor images, FloatTensor expected,
        IReadOnlyList<int?> labels, int first, TextWriter output)
    {
        int count = images.Shape[0];
        using GpuDevice device = open();
        using GpuPlan plan = precision.Build(device, Math.Min(Batch, count));
        var logits = new float[expected.Length];
        LogitComparison comparison = LogitComparison.Of(plan, images, expected, logits);
        string others = string.Join(", ", comparison.Others.Select(
            other => string.Create(CultureInfo.InvariantCulture, $"{first + other.Image} ({other.Lead:G2})")));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {precision.Precision} | {Right(logits, labels):P2} | {Right(expected.Span, labels):P2} "
            + $"| {comparison.SameAnswers} of {count} | {comparison.Median:G2} | {comparison.Largest:G2} "
            + $"| {comparison.Share:P3} | {others} |"));
        return comparison.SameAnswers >= LeastAgreement * count;
    }

    /// <summary>The share of images whose first class is right.</summary>
    private static double Right(ReadOnlySpan<float> logits, IReadOnlyList<int?> labels)
    {
        int classes = logits.Length / labels.Count, right = 0;
        for (int i = 0; i < labels.Count; i++)
            right += TensorPrimitives.IndexOfMax(logits.Slice(i * classes, classes)) == labels[i] ? 1 : 0;
        return (double)right / labels.Count;
    }
}
