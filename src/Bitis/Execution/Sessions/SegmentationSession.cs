using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Execution.Sessions.Maps;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Dispatch;
using Bitis.Models;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A model that gives a class to each pixel, ready to run. Threads may share a session.</summary>
/// <remarks>
/// Images may have any height and width. Those of a new size are planned first, which takes a moment. Weights are
/// packed once, and the memory for the last two sizes is kept.
/// </remarks>
public sealed class SegmentationSession : IDisposable
{
    /// <summary>The longest side of a model's input, in pixels.</summary>
    private const int MaxSide = 8192;

    private readonly IDenseConfig _dense;
    private readonly PlansBySize _plans;
    private readonly PackedWeightsByTensor _packed = [];
    private readonly ParallelOptions _threads;
    private IReadOnlyDictionary<string, FloatTensor> _weights;
    private bool _isFolded;

    private SegmentationSession(VisionModel model, IDenseConfig dense, int threads)
    {
        _dense = dense;
        _weights = model.Weights;
        _threads = new ParallelOptions { MaxDegreeOfParallelism = threads };
        _plans = new PlansBySize(Plan, threads);
        Config = model.Config;
        Preprocessing = model.Preprocessing;
        ClassNames = model.ClassNames;
        Threads = threads;
        Palette = SegmentationPalette.Of(dense.Palette, model.Config.Classes);
    }

    /// <summary>The model's architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become the model's input. Of the sizes, only the shorter side counts.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>Red, green and blue of each class, <c>[classes, 3]</c>.</summary>
    /// <remarks>They are those of the checkpoint, or else those of Pascal VOC.</remarks>
    public ReadOnlyMemory<byte> Palette { get; }

    /// <summary>How many threads compute a lone call.</summary>
    public int Threads { get; }

    /// <summary>Whether label 0 of the data set's ground truth stands for no class.</summary>
    internal bool ReducesZeroLabel => _dense.ReducesZeroLabel;

    /// <summary>The plans of the last sizes.</summary>
    internal PlansBySize Plans => _plans;

    /// <summary>Creates a session for a float32 model.</summary>
    /// <param name="model">A model with a head for segmentation.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">
    /// The model is a classifier, a weight is not a finite number, there are too many threads, or the options are those
    /// of a GPU.
    /// </exception>
    public static SegmentationSession Create(
        VisionModel model, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Config is not IDenseConfig dense)
        {
            throw new BitisException(
                $"This model ({model.Config.Family}) classifies whole images; segmentation takes one with a head for "
                + "it, such as UPerNet. Run a classifier with 'bitis classify' or InferenceSession.");
        }
        if (model.Config.Classes > ushort.MaxValue)
        {
            throw new BitisException(
                $"The model has {model.Config.Classes} classes; a map has at most {ushort.MaxValue}.");
        }
        options ??= SessionOptions.Default;
        options.RequireCpu("Segmentation");
        int threads = ThreadCount.Resolve(options.Threads);
        InferenceSession.RequireFinite(model.Weights, cancellationToken);
        return new SegmentationSession(model, dense, threads);
    }

    /// <summary>Creates a session from a checkpoint or from a saved model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The file cannot be used.</exception>
    public static SegmentationSession Load(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default) =>
        Create(VisionModel.Load(path, options: null, cancellationToken), options, cancellationToken);

    /// <summary>The class of each pixel of a photograph.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="window">How the image is cut into pieces; null to see it as a whole.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The image cannot be used, or an answer is not a finite number.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public SegmentationMap Segment(
        PixelImage image, SlidingWindow? window = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        window?.Validate();
        FloatTensor input = WholeImage.Prepare(image, Preprocessing);
        (int Height, int Width) size = (input.Shape[2], input.Shape[3]);
        LogitsMap map = window is null
            ? Decode(input, cancellationToken)
            : Slide(input, window, cancellationToken);
        Logits.RequireFinite(map.Values, _ => "A place of the image");
        return MapResizer.Classify(map, size, (image.Height, image.Width), _threads);
    }

    /// <summary>Computes the logits of each pixel of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>, of any size.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns><c>[batch, classes, height, width]</c></returns>
    /// <exception cref="ArgumentException">The images have other channels than the model's.</exception>
    /// <exception cref="BitisException">A pixel is not finite, or the images are too large.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public FloatTensor Run(FloatTensor images, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape.Rank != 4 || images.Shape[1] != Config.ImageChannels)
        {
            throw new ArgumentException(
                $"The model takes [batch, {Config.ImageChannels}, height, width], not {images.Shape}.",
                nameof(images));
        }
        (int batch, int height, int width) = (images.Shape[0], images.Shape[2], images.Shape[3]);
        int pixels = height * width, length = images.Shape[1] * pixels;
        FloatTensor logits = FloatTensor.Uninitialized([batch, Config.Classes, height, width]);
        for (int i = 0; i < batch; i++)
        {
            FloatTensor image = FloatTensor.From(
                images.Shape.DropFirst().Prepend(1), images.Span.Slice(i * length, length));
            using var resizer = new MapResizer(Decode(image, cancellationToken), height, width);
            FloatTensor tokens = resizer.Whole(_threads).Values;
            Span<float> target = logits.Span.Slice(i * Config.Classes * pixels, Config.Classes * pixels);
            for (int k = 0; k < target.Length; k++)
                target[k] = tokens.Span[(k % pixels * Config.Classes) + (k / pixels)];
        }
        return logits;
    }

    /// <summary>Frees the memory. Running calls end undisturbed; new calls fail.</summary>
    public void Dispose() => _plans.Dispose();

    /// <summary>The logits of windows that slide over an image, averaged where they overlap.</summary>
    /// <returns>The logits of each pixel.</returns>
    internal unsafe LogitsMap Slide(FloatTensor image, SlidingWindow window, CancellationToken cancellationToken)
    {
        (int channels, int height, int width) = (image.Shape[1], image.Shape[2], image.Shape[3]);
        int classes = Config.Classes;
        var sums = new FloatTensor([height * width, classes]);
        IReadOnlyList<(int Start, int End)> rows = window.Cover(height), columns = window.Cover(width);
        foreach ((int top, int bottom) in rows)
        {
            foreach ((int left, int right) in columns)
            {
                FloatTensor crop = Crop(image, channels, top, bottom, left, right);
                using var resizer = new MapResizer(Decode(crop, cancellationToken), bottom - top, right - left);
                Parallel.For(0, bottom - top, _threads, line => resizer.Write(
                    line, sums.Pointer + (((((nint)top + line) * width) + left) * classes), accumulate: true));
            }
        }
        int[] windowsOfRow = Windows(rows, height), windowsOfColumn = Windows(columns, width);
        for (int pixel = 0; pixel < height * width; pixel++)
        {
            int count = windowsOfRow[pixel / width] * windowsOfColumn[pixel % width];
            foreach (ref float sum in sums.Span.Slice(pixel * classes, classes))
                sum /= count;
        }
        return new LogitsMap(sums, height, width);

        static int[] Windows(IReadOnlyList<(int Start, int End)> parts, int length) =>
            [.. Enumerable.Range(0, length).Select(i => parts.Count(part => part.Start <= i && i < part.End))];
    }

    /// <summary>The logits of an image at the places of the head's map.</summary>
    private LogitsMap Decode(FloatTensor image, CancellationToken cancellationToken)
    {
        InputImages.RequireFinite(image);
        (int height, int width) = (image.Shape[2], image.Shape[3]);
        if (height is < 1 or > MaxSide || width is < 1 or > MaxSide)
            throw new BitisException($"The image has {width}×{height} pixels; expected 1 to {MaxSide} on each side.");
        PlansBySize.Entry entry = _plans.Rent(height, width);
        try
        {
            (int mapHeight, int mapWidth) = _dense.MapSize(height, width);
            FloatTensor logits = FloatTensor.Uninitialized([mapHeight * mapWidth, Config.Classes]);
            SessionWorkspace workspace = entry.Workspaces.Rent(cancellationToken);
            try
            {
                WorkerPool pool = WorkerPool.RentShare(Threads);
                try
                {
                    workspace.Run(image.Span, logits.Span, pool, cancellationToken);
                }
                finally
                {
                    WorkerPool.ReturnShare(pool);
                }
            }
            finally
            {
                entry.Workspaces.Return(workspace);
            }
            return new LogitsMap(logits, mapHeight, mapWidth);
        }
        finally
        {
            _plans.Return(entry);
        }
    }

    /// <summary>Plans the head that answers, for a size.</summary>
    /// <remarks>Norms are folded the first time, since weights are the same for all sizes.</remarks>
    private Plan Plan(int height, int width)
    {
        Graph graph = _dense.BuildGraph(height, width);
        var folding = new NormFolding(GraphSegment.Leading(graph, graph.Output));
        if (!_isFolded)
            _weights = folding.WeightsOf(_weights);
        _isFolded = true;
        return PlanBuilder.Build(folding.Graph, _weights, packed: _packed);
    }

    private static FloatTensor Crop(FloatTensor image, int channels, int top, int bottom, int left, int right)
    {
        FloatTensor crop = FloatTensor.Uninitialized([1, channels, bottom - top, right - left]);
        (int height, int width) = (image.Shape[2], image.Shape[3]);
        Span<float> target = crop.Span;
        for (int channel = 0; channel < channels; channel++)
        {
            for (int y = top; y < bottom; y++)
            {
                image.Span.Slice((((channel * height) + y) * width) + left, right - left).CopyTo(target);
                target = target[(right - left)..];
            }
        }
        return crop;
    }
}
