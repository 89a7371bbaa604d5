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
using Bitis.Quantization;
using Bitis.Quantization.Scans;
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
    private readonly QuantizedModel? _quantized;
    private IReadOnlyDictionary<string, FloatTensor> _weights;
    private bool _isFolded;

    private SegmentationSession(VisionModel model, SessionOptions options)
        : this(model.Config, model.Preprocessing, model.ClassNames, options) => _weights = model.Weights;

    private SegmentationSession(QuantizedModel model, SessionOptions options)
        : this(model.Config, model.Preprocessing, model.ClassNames, options) =>
        (_weights, _quantized) = (model.Weights, model);

    private SegmentationSession(
        ModelConfig config, Preprocessing preprocessing, IReadOnlyList<string>? classNames, SessionOptions options)
    {
        _dense = RequireDense(config);
        options.RequireCpu("Segmentation");
        Threads = ThreadCount.Resolve(options.Threads);
        _weights = new Dictionary<string, FloatTensor>();
        _threads = new ParallelOptions { MaxDegreeOfParallelism = Threads };
        _plans = new PlansBySize(Plan, Threads);
        Config = config;
        Preprocessing = preprocessing;
        ClassNames = classNames;
        Palette = SegmentationPalette.Of(_dense.Palette, config.Classes);
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
        var session = new SegmentationSession(model, options ?? SessionOptions.Default);
        InferenceSession.RequireFinite(model.Weights, cancellationToken);
        return session;
    }

    /// <summary>Creates a session for a quantized model.</summary>
    /// <remarks>
    /// Where it has a scale for each token, those for images of another size than calibration's are interpolated.
    /// </remarks>
    /// <param name="model">A model with a head for segmentation.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">
    /// The model is a classifier, a weight is not a finite number, there are too many threads, or the options are those
    /// of a GPU.
    /// </exception>
    public static SegmentationSession Create(
        QuantizedModel model, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var session = new SegmentationSession(model, options ?? SessionOptions.Default);
        InferenceSession.RequireFinite(model.Weights, cancellationToken);
        return session;
    }

    /// <summary>Creates a session from a checkpoint, a saved model, or a <c>.bitis</c> file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The file cannot be used.</exception>
    public static SegmentationSession Load(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default) =>
        QuantizedModel.IsQuantized(path)
            ? Create(QuantizedModel.Load(path, cancellationToken), options, cancellationToken)
            : Create(VisionModel.Load(path, options: null, cancellationToken), options, cancellationToken);

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

    /// <summary>The logits of a batch at the places of the head's map, <c>[batch, places, classes]</c>.</summary>
    internal FloatTensor RunHead(FloatTensor images, CancellationToken cancellationToken)
    {
        int batch = images.Shape[0], length = images.Length / batch;
        (int height, int width) = _dense.MapSize(images.Shape[2], images.Shape[3]);
        FloatTensor logits = FloatTensor.Uninitialized([batch, height * width, Config.Classes]);
        for (int i = 0; i < batch; i++)
        {
            FloatTensor image = FloatTensor.From(
                images.Shape.DropFirst().Prepend(1), images.Span.Slice(i * length, length));
            Decode(image, cancellationToken).Values.Span.CopyTo(logits.Span[(i * logits.Length / batch)..]);
        }
        return logits;
    }

    /// <summary>Runs an image of the model's usual size, and times each operation.</summary>
    internal IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken) =>
        Run(
            image.Shape[2], image.Shape[3], (workspace, pool) => workspace.Profile(image.Span, pool, cancellationToken),
            cancellationToken);

    /// <summary>The bytes that the weights take in memory, for images of the model's usual size.</summary>
    internal long CountWeightBytes()
    {
        PlansBySize.Entry entry = _plans.Rent(Config.ImageSize, Config.ImageSize);
        try
        {
            return entry.Plan.Operations.SelectMany(operation => operation.Weights).Distinct().Sum(
                weights => weights.Bytes);
        }
        finally
        {
            _plans.Return(entry);
        }
    }

    /// <summary>The logits of an image at the places of the head's map.</summary>
    private LogitsMap Decode(FloatTensor image, CancellationToken cancellationToken)
    {
        InputImages.RequireFinite(image);
        (int height, int width) = (image.Shape[2], image.Shape[3]);
        if (height is < 1 or > MaxSide || width is < 1 or > MaxSide)
            throw new BitisException($"The image has {width}×{height} pixels; expected 1 to {MaxSide} on each side.");
        return Run(height, width, Compute, cancellationToken);

        LogitsMap Compute(SessionWorkspace workspace, WorkerPool pool)
        {
            (int mapHeight, int mapWidth) = _dense.MapSize(height, width);
            FloatTensor logits = FloatTensor.Uninitialized([mapHeight * mapWidth, Config.Classes]);
            workspace.Run(image.Span, logits.Span, pool, cancellationToken);
            return new LogitsMap(logits, mapHeight, mapWidth);
        }
    }

    /// <summary>Computes with the plan of a size, in a workspace, on a share of the processors.</summary>
    private T Run<T>(
        int height, int width, Func<SessionWorkspace, WorkerPool, T> compute, CancellationToken cancellationToken)
    {
        PlansBySize.Entry entry = _plans.Rent(height, width);
        try
        {
            SessionWorkspace workspace = entry.Workspaces.Rent(cancellationToken);
            try
            {
                WorkerPool pool = WorkerPool.RentShare(Threads);
                try
                {
                    return compute(workspace, pool);
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
        NormFolding folding = NormFolding.OfAnswer(_dense.BuildGraph(height, width));
        if (_quantized is not null)
        {
            (IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans) =
                GridScales.Fit(_quantized, folding.Graph);
            return PlanBuilder.Build(folding.Graph, _weights, layers, scans, _packed);
        }
        if (!_isFolded)
            _weights = folding.WeightsOf(_weights);
        _isFolded = true;
        return PlanBuilder.Build(folding.Graph, _weights, packed: _packed);
    }

    private static IDenseConfig RequireDense(ModelConfig config)
    {
        if (config is not IDenseConfig dense)
        {
            throw new BitisException(
                $"This model ({config.Family}) classifies whole images; segmentation takes one with a head for it, "
                + "such as UPerNet. Run a classifier with 'bitis classify' or InferenceSession.");
        }
        return config.Classes <= ushort.MaxValue
            ? dense
            : throw new BitisException(
                $"The model has {config.Classes} classes; a map has at most {ushort.MaxValue}.");
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
