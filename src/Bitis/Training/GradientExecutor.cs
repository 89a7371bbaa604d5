using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;
using Bitis.Training.Losses;
using Bitis.Training.Optimization;

namespace Bitis.Training;

/// <summary>Computes the loss of a batch and its gradient with respect to all parameters.</summary>
/// <remarks>
/// It is the differentiable executor. It uses the same graph as inference, with kernels on all processors. A few images
/// pass through the whole network, forward and back, before the next ones start. Memory therefore grows with the tokens
/// and the depth of the model, and with the number of threads, but not with the batch.
/// </remarks>
internal sealed class GradientExecutor : IDisposable
{
    private readonly Graph _graph;
    private readonly GradientRunner _runner;

    /// <summary>Prepares a model.</summary>
    /// <param name="graph">The model. A loss reads all of its outputs.</param>
    /// <param name="weights">
    /// Its parameters, by name. Each run reads them, so a trainer may change their contents between runs.
    /// </param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. Results do not depend on it.
    /// </param>
    /// <param name="backward">
    /// How the backward pass of linear and convolutional layers is computed; null for exactly.
    /// </param>
    /// <param name="frozen">The layers that do not learn and have no gradients; null if all learn.</param>
    /// <exception cref="BitisException">An operator of the graph has no backward pass.</exception>
    /// <exception cref="BitisException">The policy is not valid, or one of its overrides matches no layer.</exception>
    public GradientExecutor(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, int threads = 0, BackwardPolicy? backward = null,
        FrozenLayers? frozen = null)
        : this(graph, weights, threads, backward ?? BackwardPolicy.Exact, frozen, imagesPerMicroBatch: null)
    {
    }

    /// <summary>
    /// As the other constructor, with the number of images that pass through the model together; null for the fastest.
    /// </summary>
    internal GradientExecutor(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, int threads, BackwardPolicy backward,
        FrozenLayers? frozen, int? imagesPerMicroBatch)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        _ = ThreadCount.Resolve(threads);
        _graph = graph;
        backward.Validate();
        Layers = backward.Select(graph, frozen);
        _runner = new GradientRunner(
            new GradientPlan(
                graph, weights, imagesPerMicroBatch ?? GradientRunner.ImagesPerMicroBatch(graph), policy: backward,
                frozen: frozen),
            threads);
        foreach (ArenaMatrix place in _runner.Plan.Outputs.Concat(_runner.Plan.OutputGradients))
        {
            if (!place.IsContiguous || place.IsReversed)
            {
                throw new ArgumentException(
                    "An output is a slice or in reverse; a loss reads whole values.", nameof(graph));
            }
        }
        Gradients = (frozen?.Learning ?? graph.LearningParameters).ToDictionary(
            parameter => parameter.Name, parameter => _runner.Plan.Parameters[parameter.Name].Gradient);
    }

    /// <summary>
    /// The gradients of the last batch, by the name of the parameters that learn, each of its parameter's shape.
    /// </summary>
    /// <remarks>Every run overwrites them.</remarks>
    public IReadOnlyDictionary<string, FloatTensor> Gradients { get; }

    /// <summary>The bytes of one thread's values and gradients.</summary>
    public long MicroBatchBytes => _runner.Plan.Layout.Bytes + ((long)_runner.Plan.ScratchLength * sizeof(float));

    /// <summary>The method of the backward pass of each linear and convolutional layer, with its reason.</summary>
    public IReadOnlyList<LayerBackward> Layers { get; }

    /// <summary>The bytes of one thread that hold inputs of layers from the forward to the backward pass.</summary>
    /// <remarks>
    /// The layers are linear and convolutional ones. An input that several layers need counts once. An input that other
    /// operators need in float32 counts with its float32 size.
    /// </remarks>
    public long KeptInputBytes =>
        _runner.Plan.KeptInputs.Select(kept => kept.Block).Distinct().Sum(block => block.Bytes);

    /// <summary>The bytes of one thread's values and gradients, without the scratch memory of single steps.</summary>
    public long MicroBatchArenaBytes => _runner.Plan.Layout.Bytes;

    /// <summary>The bytes that each layer keeps of its input, on one thread.</summary>
    internal IEnumerable<(string Layer, long Bytes)> KeptInputs =>
        _runner.Plan.KeptInputs.Select(kept => (kept.Layer, kept.Block.Bytes));

    /// <summary>Receives the time of the steps, by kind; null for no measurement.</summary>
    internal OperationTimes? Times
    {
        get => _runner.Times;
        set => _runner.Times = value;
    }

    /// <summary>Computes the mean cross-entropy of a batch of images with a class each, and its gradients.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="targets">The probability of each class, <c>[batch, classes]</c>; rows need not be one-hot.</param>
    /// <param name="seed">
    /// The seed of low-bit layers. Each step needs a seed of its own. Exact layers do not use it.
    /// </param>
    /// <exception cref="ArgumentException">A shape does not fit the model.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    public BatchLoss Run(FloatTensor images, FloatTensor targets, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(targets);
        if (images.Shape.Rank == 0 || targets.Shape != _graph.Output.Shape.Prepend(images.Shape[0]))
        {
            throw new ArgumentException(
                $"Expected targets {_graph.Output.Shape} for each of the images {images.Shape}, not {targets.Shape}.",
                nameof(targets));
        }
        var loss = new ClassLoss(targets);
        return new BatchLoss(Run(images, loss, seed), loss.Logits);
    }

    /// <summary>Computes the mean loss of a batch and its gradients.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="loss">The loss of each image; it may have targets of more images.</param>
    /// <param name="seed">
    /// The seed of low-bit layers. Each step needs a seed of its own. Exact layers do not use it.
    /// </param>
    /// <returns>The mean loss.</returns>
    /// <exception cref="ArgumentException">A shape does not fit the model, or there are too few targets.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    public double Run(FloatTensor images, OutputLoss loss, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(loss);
        if (images.Shape.Rank == 0 || images.Shape[0] == 0 || images.Shape.DropFirst() != _graph.Input.Shape)
        {
            throw new ArgumentException(
                $"The model takes [batch, {string.Join(", ", _graph.Input.Shape)}], not {images.Shape}; "
                + "its preprocessing makes such images.",
                nameof(images));
        }

        InputImages.RequireFinite(images);
        int batch = images.Shape[0];
        if (loss.Images < batch)
            throw new ArgumentException($"There are targets for {loss.Images} images, not for {batch}.", nameof(loss));
        double[] losses = new double[batch];
        _runner.Run(
            batch,
            (microBatch, image) => Load(microBatch, images, image),
            (microBatch, image) => SetGradients(microBatch, image, loss, losses),
            key: (uint)new SeededRandom(seed).NextBits());
        GC.KeepAlive(images);
        return losses.Sum() / batch;
    }

    /// <inheritdoc />
    public void Dispose() => _runner.Dispose();

    private unsafe void Load(MicroBatch microBatch, FloatTensor images, int image) =>
        microBatch.Bind(
            _runner.Plan.Inputs[0].Place, images.Pointer + ((nint)image * (images.Length / images.Shape[0])));

    /// <summary>The gradients of the mean loss with respect to the outputs, for the images of a micro-batch.</summary>
    private unsafe void SetGradients(MicroBatch microBatch, int firstImage, OutputLoss loss, double[] losses)
    {
        for (int i = 0; i < microBatch.Images; i++)
        {
            int image = firstImage + i;
            for (int output = 0; output < _runner.Plan.Outputs.Count; output++)
            {
                ArenaMatrix place = _runner.Plan.Outputs[output];
                int length = place.Rows * place.Columns;
                var values = new ReadOnlySpan<float>(microBatch.Pointer(place, i), length);
                var gradient = new Span<float>(microBatch.Pointer(_runner.Plan.OutputGradients[output], i), length);
                losses[image] += loss.Compute(image, output, values, gradient);
                TensorPrimitives.Divide(gradient, losses.Length, gradient);
            }
        }
    }
}
