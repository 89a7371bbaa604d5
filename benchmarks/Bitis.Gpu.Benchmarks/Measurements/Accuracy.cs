using System.Numerics.Tensors;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>The accuracy of a trained model on the GPU beside that on the CPU, on CIFAR-10's binary file.</summary>
internal static class Accuracy
{
    private const int Side = 32, ImageBytes = 1 + (3 * Side * Side), MostImages = 10_000, Batch = 100;

    /// <summary>Measures and writes a table; false if a precision disagrees with the CPU too often.</summary>
    public static bool Run(
        Func<GpuDevice> open, string modelPath, string imagesPath, bool isEmulated, TextWriter output)
    {
        VisionModel model = VisionModel.Load(modelPath);
        byte[] file = File.ReadAllBytes(imagesPath);
        if (file.Length == 0 || file.Length % ImageBytes != 0)
            throw BitisException.InFile(imagesPath, "this is not a binary file of CIFAR-10, such as test_batch.bin.");
        int count = Math.Min(isEmulated ? 1 : MostImages, file.Length / ImageBytes);
        FloatTensor images = Read(model, file, count);
        output.WriteLine($"| {count} images | top-1 on the GPU | on the CPU | same answers | largest difference |");
        output.WriteLine("|---|---|---|---|---|");
        bool isGood = true;
        foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
        {
            try
            {
                using GpuPlan plan = precision.Build(open(), Math.Min(Batch, count));
                using InferenceSession session = precision.CreateSession();
                FloatTensor expected = session.Run(images);
                var logits = new float[expected.Length];
                plan.Run(images.Span, logits);
                isGood &= Write(precision.Precision, file, expected, logits, output);
            }
            catch (BitisException e)
            {
                output.WriteLine($"| {precision.Precision} | {e.Message} | | | |");
            }
        }
        return isGood;
    }

    private static FloatTensor Read(VisionModel model, byte[] file, int count)
    {
        FloatTensor images = FloatTensor.Uninitialized(model.Config.InputShape.Prepend(count));
        int length = images.Length / count;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> planes = file.AsSpan((i * ImageBytes) + 1, ImageBytes - 1);
            var pixels = new byte[ImageBytes - 1];
            for (int p = 0; p < pixels.Length; p++)
                pixels[p] = planes[(p % 3 * Side * Side) + (p / 3)];
            model.Preprocessing.Apply(
                new PixelImage(Side, Side, 3, pixels), images.Span.Slice(i * length, length));
        }
        return images;
    }

    private static bool Write(
        string precision, byte[] file, FloatTensor expected, float[] logits, TextWriter output)
    {
        const double LeastAgreement = 0.999;
        (int count, int classes) = (expected.Shape[0], expected.Shape[1]);
        int there = 0, here = 0, same = 0;
        float difference = 0;
        for (int i = 0; i < count; i++)
        {
            Span<float> row = logits.AsSpan(i * classes, classes), other = expected.Span.Slice(i * classes, classes);
            int answer = TensorPrimitives.IndexOfMax<float>(row), right = TensorPrimitives.IndexOfMax<float>(other);
            there += answer == file[i * ImageBytes] ? 1 : 0;
            here += right == file[i * ImageBytes] ? 1 : 0;
            same += answer == right ? 1 : 0;
            for (int j = 0; j < classes; j++)
                difference = Math.Max(difference, Math.Abs(row[j] - other[j]));
        }
        output.WriteLine(
            $"| {precision} | {(double)there / count:P2} | {(double)here / count:P2} | {(double)same / count:P2} | "
            + $"{difference:G3} |");
        return same >= LeastAgreement * count;
    }
}
