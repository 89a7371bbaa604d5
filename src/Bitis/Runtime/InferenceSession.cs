using System.Diagnostics;
using Bitis.Data;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Runtime;

/// <summary>
/// A model that is ready to answer: compiled, packed, with threads of its own. Quantized layers compute with integers.
/// A session may be used from several threads; calls wait for each other.
/// </summary>
public sealed class InferenceSession : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Plan _plan;
    private readonly WorkerPool _pool;
    private readonly Arena[] _arenas;
    private readonly Action<int> _runPartOfStep;
    private readonly Action<int> _runShareOfBatch;
    private bool _isDisposed;

    // What the pool's threads work on; set under the gate.
    private Step? _step;
    private Tensor? _images;
    private Tensor? _logits;
    private int _shared;
    private CancellationToken _cancellationToken;

    private InferenceSession(
        ModelConfig config,
        Preprocessing preprocessing,
        IReadOnlyList<string>? classNames,
        Plan plan,
        SessionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads, nameof(options));
        Config = config;
        Preprocessing = preprocessing;
        ClassNames = classNames;
        _plan = plan;
        _pool = new WorkerPool(options.Threads == 0 ? Environment.ProcessorCount : options.Threads);
        _arenas = new Arena[_pool.ThreadCount];
        _runPartOfStep = RunPartOfStep;
        _runShareOfBatch = RunShareOfBatch;
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become the model's input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>How many threads compute.</summary>
    public int Threads => _pool.ThreadCount;

    /// <summary>The bytes that the weights of linear layers and of the patch embedding take in memory, with scales and biases.</summary>
    public long WeightBytes => _plan.Steps.Sum(step => step.WeightBytes);

    /// <summary>The compiled model.</summary>
    internal Plan Plan => _plan;

    /// <summary>Prepares a float32 model.</summary>
    public static InferenceSession Create(VisionModel model, SessionOptions? options = null)
    {
        Plan plan = PlanBuilder.Build(model.Graph, model.Weights);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, plan, options ?? SessionOptions.Default);
    }

    /// <summary>Prepares a quantized model.</summary>
    public static InferenceSession Create(QuantizedModel model, SessionOptions? options = null)
    {
        Plan plan = PlanBuilder.Build(model.Graph, model.Weights, model.Layers, model.Scans);
        return new InferenceSession(model.Config, model.Preprocessing, model.ClassNames, plan, options ?? SessionOptions.Default);
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
    public Tensor Run(Tensor images, CancellationToken cancellationToken = default)
    {
        RequireShape(images);
        int batch = images.Shape[0];
        Tensor logits = Tensor.Uninitialized([batch, Config.Classes]);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            (_images, _logits, _cancellationToken) = (images, logits, cancellationToken);
            // As many images as there are threads run side by side, one on each; the threads share the images left over.
            _shared = batch - batch % Threads;
            _pool.Run(_shared == 0 ? 0 : Threads, _runShareOfBatch);
            for (int image = _shared; image < batch; image++)
                RunImage(image);
            (_images, _logits, _step) = (null, null, null);
        }
        return logits;
    }

    /// <summary>Runs an image as <see cref="Run"/> does with a single one, and tells how long each step took.</summary>
    /// <param name="image">Normalized pixels, <c>[1, channels, height, width]</c>.</param>
    /// <exception cref="ArgumentException">This is not one image of the model's input shape.</exception>
    public IReadOnlyList<StepTime> Profile(Tensor image)
    {
        RequireShape(image);
        if (image.Shape[0] != 1)
            throw new ArgumentException($"One image is profiled at a time, not {image.Shape[0]}.", nameof(image));
        var times = new List<StepTime>(_plan.Steps.Count);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _images = image;
            ReadImage(0, Arena(0));
            foreach (Step step in _plan.Steps)
            {
                long start = Stopwatch.GetTimestamp();
                RunStep(step);
                times.Add(new StepTime(step.Name, step.Kind, Stopwatch.GetElapsedTime(start)));
            }
            (_images, _step) = (null, null);
        }
        return times;
    }

    /// <summary>The classes that a photograph most probably shows, best first.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="count">How many classes.</param>
    public IReadOnlyList<Prediction> Classify(RgbImage image, int count = 5) => Classify([image], count)[0];

    /// <summary>The classes that each of some photographs most probably shows, best first; all go through the model together.</summary>
    /// <param name="images">The photographs, of any sizes.</param>
    /// <param name="count">How many classes.</param>
    /// <param name="cancellationToken">Ends the work between two photographs.</param>
    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(
        IReadOnlyList<RgbImage> images, int count = 5, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        Tensor input = Tensor.Uninitialized(Config.InputShape.Prepend(images.Count));
        int length = (int)Config.InputShape.ElementCount;
        for (int i = 0; i < images.Count; i++)
            Preprocessing.Apply(images[i], input.Span.Slice(i * length, length));
        Tensor logits = Run(input, cancellationToken);
        return [.. Enumerable.Range(0, images.Count).Select(i => Best(logits.Span.Slice(i * Config.Classes, Config.Classes), count))];
    }

    /// <summary>The classes that the photograph in a file most probably shows, best first.</summary>
    /// <exception cref="BitisException">The file is not an image that can be decoded.</exception>
    public IReadOnlyList<Prediction> Classify(string imagePath, int count = 5) => Classify(ImageDecoder.Load(imagePath), count);

    /// <summary>Ends the threads and frees the memory; waits for a call that is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _pool.Dispose();
            _plan.Dispose();
            foreach (Arena? arena in _arenas)
                arena?.Dispose();
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

    private void RequireShape(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape.Rank != 4 || images.Shape.DropFirst() != Config.InputShape)
            throw new ArgumentException($"The model takes [batch, {string.Join(", ", Config.InputShape)}], not {images.Shape}.", nameof(images));
    }

    /// <summary>Runs one image, with all threads on each step.</summary>
    private void RunImage(int image)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        ArenaAddresses arena = Arena(0);
        ReadImage(image, arena);
        foreach (Step step in _plan.Steps)
            RunStep(step);
        WriteLogits(image, arena);
    }

    private void RunStep(Step step)
    {
        _step = step;
        _pool.Run(Math.Min(Threads, step.Units), _runPartOfStep);
    }

    private void RunPartOfStep(int part)
    {
        Step step = _step!;
        int parts = Math.Min(Threads, step.Units);
        step.Run(Arena(0), (int)((long)step.Units * part / parts), (int)((long)step.Units * (part + 1) / parts));
    }

    /// <summary>Runs every n-th image of the shared part of the batch, alone.</summary>
    private void RunShareOfBatch(int thread)
    {
        ArenaAddresses arena = Arena(thread);
        for (int image = thread; image < _shared; image += Threads)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            ReadImage(image, arena);
            foreach (Step step in _plan.Steps)
                step.Run(arena, 0, step.Units);
            WriteLogits(image, arena);
        }
    }

    private unsafe void ReadImage(int image, ArenaAddresses arena)
    {
        int size = _images!.Length / _images.Shape[0];
        _images.Span.Slice(image * size, size).CopyTo(new Span<float>(_plan.Inputs[0].Pointer(arena), size));
    }

    private void WriteLogits(int image, ArenaAddresses arena) =>
        _plan.Output.MemoryRow(arena, 0).CopyTo(_logits!.Span[(image * Config.Classes)..]);

    private ArenaAddresses Arena(int thread) => (_arenas[thread] ??= new Arena(_plan.Layout)).Addresses;
}
