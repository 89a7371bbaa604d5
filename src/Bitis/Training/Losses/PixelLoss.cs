using System.Buffers;
using System.Numerics.Tensors;
using Bitis.Data.LabelMaps;
using Bitis.Execution.Compiled.Grids;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;

namespace Bitis.Training.Losses;

/// <summary>The cross-entropy of pixels with a label each, as mmsegmentation computes it.</summary>
/// <remarks>
/// Logits are resized to the size of the labels (bilinear). The sum over pixels with a label is divided by the number
/// of all pixels. It adds up over the outputs with their weights. One line of pixels is in memory at a time.
/// </remarks>
internal sealed unsafe class PixelLoss : OutputLoss, IDisposable
{
    private readonly int _height, _width, _classes;
    private readonly float _smoothing;
    private readonly LabeledMap[] _maps;
    private readonly NativeBuffer<ResizeStep>[] _rows, _columns;
    private ushort[] _labels = [];
    private int[] _correct = [], _counted = [];

    /// <summary>Prepares the loss of images of one size.</summary>
    /// <param name="height">The rows of an image's labels.</param>
    /// <param name="width">Their columns.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="maps">The outputs.</param>
    /// <param name="smoothing">The probability that is moved from a pixel's class to all classes.</param>
    public PixelLoss(int height, int width, int classes, IReadOnlyList<LabeledMap> maps, float smoothing)
    {
        (_height, _width, _classes, _smoothing) = (height, width, classes, smoothing);
        _maps = [.. maps];
        _rows = [.. maps.Select(map => ResizeSteps.Of(map.Height, height))];
        _columns = [.. maps.Select(map => ResizeSteps.Of(map.Width, width))];
    }

    /// <summary>The labels of all pixels, <c>[batch, height, width]</c>.</summary>
    public ushort[] Labels
    {
        get => _labels;
        set
        {
            _labels = value;
            _correct = new int[Images];
            _counted = new int[Images];
        }
    }

    /// <inheritdoc />
    public override int Images => _labels.Length / (_height * _width);

    /// <summary>How many pixels of the last run had their class as the largest logit.</summary>
    public long Correct => _correct.Sum(count => (long)count);

    /// <summary>How many pixels have a label.</summary>
    public long Counted => _counted.Sum(count => (long)count);

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        gradient.Clear();
        if (output == 0)
            _correct[image] = _counted[image] = 0;
        LabeledMap map = _maps[output];
        int length = _width * _classes;
        float[] line = ArrayPool<float>.Shared.Rent(length);
        double sum = 0;
        fixed (float* source = values, target = gradient, pixels = line)
        {
            var forward = new BilinearResizeCall
            {
                Width = map.Width,
                OutWidth = _width,
                Channels = _classes,
                Columns = _columns[output].Pointer,
                Source = source,
                SourceStride = _classes,
                Target = pixels,
                TargetStride = _classes,
            };
            var backward = new BilinearResizeGradientCall
            {
                Width = map.Width,
                OutWidth = _width,
                Channels = _classes,
                Columns = _columns[output].Pointer,
                Output = pixels,
                OutputStride = _classes,
                Source = target,
                SourceStride = _classes,
            };
            for (int y = 0; y < _height; y++)
            {
                forward.Rows = backward.Rows = _rows[output].Pointer + y;
                BilinearResize.Run(in forward, 0, 1);
                sum += LossOfLine(line.AsSpan(0, length), image, y, output == 0);
                BilinearResizeGradient.Run(in backward, 0, 1);
            }
        }
        ArrayPool<float>.Shared.Return(line);
        double share = map.Weight / (_height * _width);
        TensorPrimitives.Multiply(gradient, (float)share, gradient);
        return sum * share;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (NativeBuffer<ResizeStep> steps in _rows.Concat(_columns))
            steps.Dispose();
    }

    /// <summary>The summed loss of a line. Its logits become their gradients.</summary>
    private double LossOfLine(Span<float> line, int image, int y, bool counts)
    {
        ReadOnlySpan<ushort> labels = _labels.AsSpan(((image * _height) + y) * _width, _width);
        double loss = 0;
        for (int x = 0; x < labels.Length; x++)
        {
            Span<float> pixel = line.Slice(x * _classes, _classes);
            int label = labels[x];
            if (label == LabelMap.Ignored)
            {
                pixel.Clear();
                continue;
            }
            int best = TensorPrimitives.IndexOfMax<float>(pixel);
            float largest = pixel[best], own = pixel[label] - largest;
            double mean = _smoothing > 0 ? TensorPrimitives.Sum<float>(pixel) / _classes - largest : 0;
            TensorPrimitives.Subtract(pixel, largest, pixel);
            TensorPrimitives.Exp(pixel, pixel);
            float sum = TensorPrimitives.Sum<float>(pixel);
            TensorPrimitives.Divide(pixel, sum, pixel);
            if (_smoothing > 0)
                TensorPrimitives.Subtract(pixel, _smoothing / _classes, pixel);
            pixel[label] -= 1 - _smoothing;
            loss += Math.Log(sum) - ((1 - _smoothing) * own) - (_smoothing * mean);
            if (!counts)
                continue;
            _counted[image]++;
            if (best == label)
                _correct[image]++;
        }
        return loss;
    }
}
