using Bitis.Data.Decoding;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A model that is ready to run. Threads may share a session.</summary>
/// <remarks>
/// <para>
/// Quantized layers compute with integers. The packed weights exist once. Up to four calls run at the same time, and
/// further calls wait, first come, first served. A lone call computes on <see cref="Threads"/> threads. Calls at the
/// same time share the processors. Results do not depend on this.
/// </para>
/// <para>
/// A call writes its intermediate values to memory that the session keeps for later calls. Each of the calls that run
/// at the same time has such memory for as many images as its threads compute. This memory stays reserved until the
/// session is disposed or collected.
/// </para>
/// </remarks>
public sealed class InferenceSession : IDisposable
{
    private readonly SessionEngine _engine;
    private readonly int _imageLength;

    private InferenceSession(
        ModelConfig config, Preprocessing preprocessing, IReadOnlyList<string>? classNames, SessionEngine engine)
    {
        Config = config;
        Preprocessing = preprocessing;
        ClassNames = classNames;
        _engine = engine;
        _imageLength = (int)config.InputShape.ElementCount;
        InputShape = config.InputShape;
    }

    /// <summary>The model's architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become the model's input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>What computes: <c>CPU</c>, or the name of a GPU.</summary>
    public string Device => _engine.Device;

    /// <summary>What the floats of a float model are: <c>float32</c>.</summary>
    internal string Floats => _engine.Floats;

    /// <summary>How many threads compute a lone call; 1 if a GPU computes it.</summary>
    public int Threads => _engine.Threads;

    /// <summary>
    /// The bytes that the weights of linear layers and of the patch embedding take in memory, with scales and biases.
    /// </summary>
    /// <remarks>On a GPU, they are all bytes that the model keeps there between calls.</remarks>
    public long WeightBytes => _engine.WeightBytes;

    /// <summary>The compiled model of a session on the CPU.</summary>
    internal Plan Plan => ((CpuEngine)_engine).Plan;

    /// <summary>The memory that calls of a session on the CPU work in.</summary>
    internal WorkspacePool<SessionWorkspace> Workspaces => ((CpuEngine)_engine).Workspaces;

    /// <summary>The shape of one image. The property of the config would create a new one each time.</summary>
    private Shape InputShape { get; }

    /// <summary>Creates a session for a float32 model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">
    /// A weight is not a finite number, there are too many threads, or the device cannot compute the model.
    /// </exception>
    public static InferenceSession Create(
        VisionModel model, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Config.RequireClassifier("InferenceSession");
        options ??= SessionOptions.Default;
        RequireFinite(model.Weights, cancellationToken);
        SessionEngine engine = options.Open(model, cancellationToken);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, engine);
    }

    /// <summary>Creates a session for a quantized model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">
    /// A weight is not a finite number, there are too many threads, or the device cannot compute the model.
    /// </exception>
    public static InferenceSession Create(
        QuantizedModel model, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Config.RequireClassifier("InferenceSession");
        options ??= SessionOptions.Default;
        RequireFinite(model.Weights, cancellationToken);
        SessionEngine engine = options.Open(model, cancellationToken);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, engine);
    }

    /// <summary>Creates a session from a <c>.bitis</c> file or a float checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to use the machine; null for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The file cannot be used.</exception>
    public static InferenceSession Load(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default) =>
        QuantizedModel.IsQuantized(path)
            ? Create(QuantizedModel.Load(path, cancellationToken), options, cancellationToken)
            : Create(VisionModel.Load(path, options: null, cancellationToken), options, cancellationToken);

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work between two images.</param>
    /// <returns>
    /// <c>[batch, classes]</c>; an image's logits depend neither on its neighbours nor on the threads.
    /// </returns>
    /// <exception cref="ArgumentException">The images do not have the model's input shape.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public FloatTensor Run(FloatTensor images, CancellationToken cancellationToken = default)
    {
        RequireImages(images);
        FloatTensor logits = FloatTensor.Uninitialized([images.Shape[0], Config.Classes]);
        Run(images.Span, logits.Span, cancellationToken);
        return logits;
    }

    /// <summary>
    /// Computes the logits of a batch into the caller's memory. After the first calls, it allocates nothing.
    /// </summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>, row-major.</param>
    /// <param name="logits">Receives the logits, <c>[batch, classes]</c>.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work between two images.</param>
    /// <exception cref="ArgumentException">
    /// A length is not that of whole images or of their logits, or the two overlap.
    /// </exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public void Run(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken = default)
    {
        RequireLengths(images, logits);
        InputImages.RequireFinite(images, InputShape);
        _engine.Run(images, logits, cancellationToken);
    }

    /// <summary>
    /// Runs one image as <see cref="Run(FloatTensor, CancellationToken)"/> does, and times each operation.
    /// </summary>
    /// <param name="image">Normalized pixels, <c>[1, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work between two operations.</param>
    /// <exception cref="ArgumentException">This is not one image of the model's input shape.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    internal IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken = default)
    {
        RequireImages(image);
        if (image.Shape[0] != 1)
            throw new ArgumentException($"One image is profiled at a time, not {image.Shape[0]}.", nameof(image));
        InputImages.RequireFinite(image);
        return _engine.Profile(image, cancellationToken);
    }

    /// <summary>The classes that a photograph most probably shows, best first.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The model does not give classes, or its answer is not a finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public IReadOnlyList<Prediction> Classify(
        PixelImage image, int count = 5, CancellationToken cancellationToken = default) =>
        Classify([image], count, cancellationToken)[0];

    /// <summary>The classes that each photograph most probably shows, best first; all are computed together.</summary>
    /// <param name="images">The photographs, of any sizes.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work between two photographs.</param>
    /// <exception cref="BitisException">
    /// The model does not give classes, or its answer is not a finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(
        IReadOnlyList<PixelImage> images, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Config.RequireClasses();
        FloatTensor logits = Run(Prepare(images, cancellationToken), cancellationToken);
        return Best(logits, count);
    }

    /// <summary>The classes that a photograph most probably shows, best first. Waiting blocks no thread.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work before it begins.</param>
    /// <exception cref="BitisException">
    /// The model does not give classes, or its answer is not a finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public Task<IReadOnlyList<Prediction>> ClassifyAsync(
        PixelImage image, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        Config.RequireClasses();
        return First();

        async Task<IReadOnlyList<Prediction>> First() =>
            (await ClassifyAsync([image], count, cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>The classes that each photograph most probably shows, best first. Waiting blocks no thread.</summary>
    /// <remarks>Threads of the thread pool do the work, never the caller's thread.</remarks>
    /// <param name="images">The photographs, of any sizes; all are computed together.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the wait for other calls, or the work between two photographs.</param>
    /// <exception cref="BitisException">
    /// The model does not give classes, or its answer is not a finite number.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or while the call waited.</exception>
    public Task<IReadOnlyList<IReadOnlyList<Prediction>>> ClassifyAsync(
        IReadOnlyList<PixelImage> images, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Config.RequireClasses();
        return Compute();

        async Task<IReadOnlyList<IReadOnlyList<Prediction>>> Compute()
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            FloatTensor input = Prepare(images, cancellationToken);
            FloatTensor logits = FloatTensor.Uninitialized([images.Count, Config.Classes]);
            await _engine.RunAsync(input, logits, cancellationToken).ConfigureAwait(false);
            return Best(logits, count);
        }
    }

    /// <summary>Frees the memory after the running calls have finished. Waiting and new calls fail.</summary>
    public void Dispose() => _engine.Dispose();

    /// <summary>The model's input for photographs.</summary>
    private FloatTensor Prepare(IReadOnlyList<PixelImage> images, CancellationToken cancellationToken)
    {
        FloatTensor input = FloatTensor.Uninitialized(InputShape.Prepend(images.Count));
        for (int i = 0; i < images.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Preprocessing.Apply(images[i], input.Span.Slice(i * _imageLength, _imageLength));
        }
        return input;
    }

    private IReadOnlyList<Prediction>[] Best(FloatTensor logits, int count)
    {
        Logits.RequireFinite(logits, image => $"Image {image}");
        int classes = Config.Classes;
        return
        [
            .. Enumerable.Range(0, logits.Shape[0])
                .Select(image => Best(logits.Span.Slice(image * classes, classes), count)),
        ];
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

    private void RequireImages(FloatTensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape.Rank != 4 || images.Shape.DropFirst() != InputShape)
        {
            throw new ArgumentException(
                $"The model takes [batch, {string.Join(", ", InputShape)}], not {images.Shape}.", nameof(images));
        }
    }

    private void RequireLengths(ReadOnlySpan<float> images, ReadOnlySpan<float> logits)
    {
        (int batch, int rest) = Math.DivRem(images.Length, _imageLength);
        if (rest != 0)
        {
            throw new ArgumentException(
                $"{images.Length} values are not whole images: the model takes "
                + $"[batch, {string.Join(", ", InputShape)}], {_imageLength} values for each image.",
                nameof(images));
        }
        if (logits.Length != (long)batch * Config.Classes)
        {
            throw new ArgumentException(
                $"The memory for logits has {logits.Length} values; {(long)batch * Config.Classes} were expected, "
                + $"{Config.Classes} for each of {DisplayText.Count(batch, "image")}.",
                nameof(logits));
        }
        if (images.Overlaps(logits))
            throw new ArgumentException("Images and logits must not share memory.", nameof(logits));
    }

    /// <summary>
    /// Checks that all weights are finite. Loading a file checks this, but models may also be built in memory.
    /// </summary>
    internal static void RequireFinite(
        IReadOnlyDictionary<string, FloatTensor> weights, CancellationToken cancellationToken)
    {
        foreach ((string name, FloatTensor weight) in weights)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (weight.FindNonFinite() is { } index)
            {
                throw new BitisException(
                    $"The weight '{name}' holds {weight.Span[index]} at element {index}; weights must be finite "
                    + "numbers.");
            }
        }
    }
}
