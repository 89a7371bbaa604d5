using Bitis.Graphs;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;
using Bitis.Training.Gradients;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training;

/// <summary>
/// The differentiable executor: the loss of a batch and its gradient with respect to all parameters, over the same graph
/// as inference, with kernels on all processors.
/// </summary>
/// <remarks>
/// A batch is split into a fixed number of parts, and a part into a few images at a time, which pass through the whole
/// network, forward and back, while their values are still in the caches. Memory therefore grows with the tokens and the
/// depth of the model, and with the number of threads, but not with the batch. Each part has its own sums of gradients, which are
/// added up in a fixed order: results do not depend on the threads.
/// </remarks>
public sealed class GradientExecutor : IDisposable
{
    /// <summary>How many parts a batch has: also the most threads that can work on it.</summary>
    private const int Parts = 8;

    /// <summary>Images that go through the network together.</summary>
    private const int ImagesPerLane = 4;

    private const int ReduceLength = 1 << 14;

    private readonly Graph _graph;
    private readonly GradientPlan _plan;
    private readonly WorkerPool _pool;
    private readonly GradientLane[] _lanes;
    private readonly NativeBuffer<float>[] _sums = new NativeBuffer<float>[Parts];

    /// <summary>Prepares a model.</summary>
    /// <param name="graph">The model; its output is <c>[classes]</c>.</param>
    /// <param name="weights">
    /// Its parameters, by name. They are read anew in each run, so a trainer may change their contents in between.
    /// </param>
    /// <param name="threads">How many threads compute; 0 for one on each processor. Results do not depend on it.</param>
    /// <exception cref="NotSupportedException">An operator of the graph has no reverse pass.</exception>
    public GradientExecutor(Graph graph, IReadOnlyDictionary<string, Tensor> weights, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (graph.Output.Shape.Rank != 1)
            throw new ArgumentException($"The model's output is {graph.Output.Shape}; expected [classes].", nameof(graph));
        _graph = graph;
        _plan = new GradientPlan(graph, weights, ImagesPerLane);
        _pool = new WorkerPool(Math.Min(Parts, threads == 0 ? Environment.ProcessorCount : threads));
        _lanes = new GradientLane[_pool.ThreadCount];
        for (int i = 0; i < _lanes.Length; i++)
            _lanes[i] = new GradientLane(_plan.ArenaBytes, _plan.ScratchLength);
        for (int i = 0; i < Parts; i++)
            _sums[i] = new NativeBuffer<float>(_plan.ParameterLength);
        Gradients = _plan.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.Gradient);
    }

    /// <summary>The gradients of the last batch, by parameter name, each of its parameter's shape. Every run overwrites them.</summary>
    public IReadOnlyDictionary<string, Tensor> Gradients { get; }

    /// <summary>The bytes of one thread's values and gradients.</summary>
    public long LaneBytes => _plan.ArenaBytes + ((long)_plan.ScratchLength * sizeof(float));

    /// <summary>Where the time of steps is added up, by kind; null for no measurement.</summary>
    internal StepTimes? Times { get; set; }

    /// <summary>Computes the mean cross-entropy of a batch and its gradients.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="targets">The probability of each class, <c>[batch, classes]</c>; rows need not be one-hot.</param>
    /// <exception cref="ArgumentException">A shape does not fit the model.</exception>
    public BatchLoss Run(Tensor images, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(targets);
        if (images.Shape.Rank == 0 || images.Shape[0] == 0 || images.Shape.DropFirst() != _graph.Input.Shape)
            throw new ArgumentException($"The model takes [batch, {_graph.Input.Shape}], not {images.Shape}.", nameof(images));
        int batch = images.Shape[0], classes = _graph.Output.Shape[0];
        if (targets.Shape != [batch, classes])
            throw new ArgumentException($"Expected targets [{batch}, {classes}], not {targets.Shape}.", nameof(targets));

        Tensor logits = Tensor.Uninitialized([batch, classes]);
        double[] losses = new double[batch];
        _pool.Run(_plan.Steps.Count, i => _plan.Steps[i].Prepare());
        _pool.Run(Parts, part => RunPart(part, images, targets, logits, losses));
        int ranges = (_plan.ParameterLength + ReduceLength - 1) / ReduceLength;
        _pool.Run(ranges, i => Reduce(i * ReduceLength, Math.Min(ReduceLength, _plan.ParameterLength - (i * ReduceLength))));
        _pool.Run(_plan.Parameters.Count, i => CopyGradient(i));
        _pool.Run(_plan.Steps.Count, i => _plan.Steps[i].Finish());
        return new BatchLoss(losses.Sum() / batch, logits);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _pool.Dispose();
        foreach (GradientLane lane in _lanes)
            lane.Dispose();
        foreach (NativeBuffer<float> sums in _sums)
            sums.Dispose();
        _plan.Dispose();
    }

    private unsafe void RunPart(int part, Tensor images, Tensor targets, Tensor logits, double[] losses)
    {
        int batch = images.Shape[0], pixels = images.Length / batch;
        int start = (int)((long)batch * part / Parts), end = (int)((long)batch * (part + 1) / Parts);
        GradientLane lane = _lanes[part % _lanes.Length];
        _sums[part].Span.Clear();
        lane.Sums = _sums[part].Pointer;
        for (int image = start; image < end; image += ImagesPerLane)
        {
            lane.Images = Math.Min(ImagesPerLane, end - image);
            lane.Pixels = images.Pointer + ((nint)image * pixels);
            foreach (GradientStep step in _plan.Steps)
            {
                long began = StepTimes.Now;
                step.Forward(lane);
                Times?.Add(step.Kind, began, isBackward: false);
            }
            SetLogitsGradient(lane, image, targets, logits, losses);
            for (int i = _plan.Steps.Count - 1; i >= 0; i--)
            {
                long began = StepTimes.Now;
                _plan.Steps[i].Backward(lane);
                Times?.Add(_plan.Steps[i].Kind, began, isBackward: true);
            }
        }
        GC.KeepAlive(images);
    }

    /// <summary>∂(mean loss)/∂logits = (softmax(logits) − target) / batch, for the images of a lane.</summary>
    private unsafe void SetLogitsGradient(GradientLane lane, int firstImage, Tensor targets, Tensor logits, double[] losses)
    {
        int batch = targets.Shape[0], classes = targets.Shape[1];
        for (int i = 0; i < lane.Images; i++)
        {
            int image = firstImage + i;
            Span<float> row = logits.Span.Slice(image * classes, classes);
            new ReadOnlySpan<float>(lane.Pointer(_plan.Logits, i), classes).CopyTo(row);
            ReadOnlySpan<float> target = targets.Span.Slice(image * classes, classes);
            var gradient = new Span<float>(lane.Pointer(_plan.LogitsGradient, i), classes);
            losses[image] = SoftmaxCrossEntropy.Loss(row, target, gradient);
            TensorPrimitives.Divide(gradient, batch, gradient);
        }
    }

    /// <summary>Adds the sums of all parts to those of the first, in the order of the parts.</summary>
    private void Reduce(int start, int length)
    {
        Span<float> total = _sums[0].Span.Slice(start, length);
        for (int part = 1; part < Parts; part++)
            TensorPrimitives.Add(total, _sums[part].Span.Slice(start, length), total);
    }

    private void CopyGradient(int index)
    {
        ParameterSlot slot = _plan.Parameters.Values.ElementAt(index);
        _sums[0].Span.Slice(slot.Offset, slot.Gradient.Length).CopyTo(slot.Gradient.Span);
    }
}
