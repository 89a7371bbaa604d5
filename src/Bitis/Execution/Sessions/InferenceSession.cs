using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Execution.Sessions;

/// <summary>
/// A model that is ready to answer: compiled and packed. Quantized layers compute with integers. A session may be used
/// from several threads; calls wait for each other.
/// </summary>
/// <remarks>
/// Threads belong to the process, and a call borrows them (<see cref="WorkerPool.Rent"/>). The plan with the packed
/// weights never changes; what a call writes to is its <see cref="SessionWorkspace"/>. A session that nobody disposes
/// is collected with all its memory.
/// </remarks>
public sealed class InferenceSession : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Plan _plan;
    private readonly SessionWorkspace _workspace;
    private bool _isDisposed;

    private InferenceSession(
        ModelConfig config,
        Preprocessing preprocessing,
        IReadOnlyList<string>? classNames,
        Plan plan,
        int threads)
    {
        Config = config;
        Preprocessing = preprocessing;
        ClassNames = classNames;
        _plan = plan;
        Threads = threads;
        _workspace = new SessionWorkspace(plan, Threads);
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become the model's input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>How many threads compute.</summary>
    public int Threads { get; }

    /// <summary>The bytes that the weights of linear layers and of the patch embedding take in memory, with scales and biases.</summary>
    public long WeightBytes => _plan.Operations.SelectMany(operation => operation.Weights).Distinct().Sum(weights => weights.Bytes);

    /// <summary>The compiled model.</summary>
    internal Plan Plan => _plan;

    /// <summary>Prepares a float32 model.</summary>
    /// <exception cref="BitisException">A weight is not a finite number, or there are too many threads.</exception>
    public static InferenceSession Create(VisionModel model, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        int threads = ThreadCount.Resolve((options ?? SessionOptions.Default).Threads);
        RequireFinite(model.Weights);
        Plan plan = PlanBuilder.Build(model.Graph, model.Weights);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, plan, threads);
    }

    /// <summary>Prepares a quantized model.</summary>
    /// <exception cref="BitisException">A weight is not a finite number, or there are too many threads.</exception>
    public static InferenceSession Create(QuantizedModel model, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        int threads = ThreadCount.Resolve((options ?? SessionOptions.Default).Threads);
        RequireFinite(model.Weights);
        Plan plan = PlanBuilder.Build(model.Graph, model.Weights, model.Layers, model.Scans);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, plan, threads);
    }

    /// <summary>Loads a <c>.bitis</c> file or a float checkpoint, and prepares it.</summary>
    /// <exception cref="BitisException">The file cannot be used.</exception>
    public static InferenceSession Load(string path, SessionOptions? options = null) => QuantizedModel.IsQuantized(path)
        ? Create(QuantizedModel.Load(path), options)
        : Create(VisionModel.Load(path), options);

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Ends the work between two images.</param>
    /// <returns><c>[batch, classes]</c>; an image's logits depend neither on its neighbours nor on the threads.</returns>
    /// <exception cref="ArgumentException">The images do not have the model's input shape.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    public Tensor Run(Tensor images, CancellationToken cancellationToken = default)
    {
        RequireImages(images);
        int batch = images.Shape[0];
        Tensor logits = Tensor.Uninitialized([batch, Config.Classes]);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _workspace.Run(images, logits, cancellationToken);
        }
        return logits;
    }

    /// <summary>Runs an image as <see cref="Run"/> does with a single one, and tells how long each operation took.</summary>
    /// <param name="image">Normalized pixels, <c>[1, channels, height, width]</c>.</param>
    /// <exception cref="ArgumentException">This is not one image of the model's input shape.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    public IReadOnlyList<OperationTime> Profile(Tensor image)
    {
        RequireImages(image);
        if (image.Shape[0] != 1)
            throw new ArgumentException($"One image is profiled at a time, not {image.Shape[0]}.", nameof(image));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _workspace.Profile(image);
        }
    }

    /// <summary>The classes that a photograph most probably shows, best first.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="count">How many classes.</param>
    public IReadOnlyList<Prediction> Classify(PixelImage image, int count = 5) => Classify([image], count)[0];

    /// <summary>The classes that each of some photographs most probably shows, best first; all go through the model together.</summary>
    /// <param name="images">The photographs, of any sizes.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the work between two photographs.</param>
    /// <exception cref="BitisException">The model's answer is not a finite number.</exception>
    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(
        IReadOnlyList<PixelImage> images, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        Tensor input = Tensor.Uninitialized(Config.InputShape.Prepend(images.Count));
        int length = (int)Config.InputShape.ElementCount;
        for (int i = 0; i < images.Count; i++)
            Preprocessing.Apply(images[i], input.Span.Slice(i * length, length));
        Tensor logits = Run(input, cancellationToken);
        Logits.RequireFinite(logits, image => $"Image {image}");
        return [.. Enumerable.Range(0, images.Count).Select(i => Best(logits.Span.Slice(i * Config.Classes, Config.Classes), count))];
    }

    /// <summary>Frees the memory; waits for a call that is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _workspace.Dispose();
            _plan.Dispose();
        }
    }

    private Prediction[] Best(Span<float> logits, int count)
    {
        Softmax.Compute(logits, logits);
        float[] probabilities = logits.ToArray();
        return
        [
            .. Enumerable.Range(0, Config.Classes)
                .OrderByDescending(index => probabilities[index])
                .Take(count)
                .Select(index => new Prediction(index, ClassNames?[index], probabilities[index])),
        ];
    }

    private void RequireImages(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape.Rank != 4 || images.Shape.DropFirst() != Config.InputShape)
            throw new ArgumentException($"The model takes [batch, {string.Join(", ", Config.InputShape)}], not {images.Shape}.", nameof(images));
        InputImages.RequireFinite(images);
    }

    /// <summary>A model that was loaded is known to be finite; one that was put together in memory is not.</summary>
    private static void RequireFinite(IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach ((string name, Tensor weight) in weights)
        {
            if (weight.FindNonFinite() is { } index)
            {
                throw new BitisException(
                    $"The weight '{name}' holds {weight.Span[index]} at element {index}; weights must be finite numbers.");
            }
        }
    }
}
