using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>The values of all calibration images between two segments of a model.</summary>
/// <remarks>
/// Each segment replaces these values by its outputs. So memory does not grow with the model's depth.
/// </remarks>
internal sealed class ActivationStream
{
    private readonly IReadOnlyDictionary<Node, FloatTensor> _values;

    private ActivationStream(IReadOnlyDictionary<Node, FloatTensor> values, int images)
    {
        _values = values;
        Images = images;
    }

    /// <summary>How many images there are.</summary>
    public int Images { get; }

    /// <summary>The value of a node, with all images in front.</summary>
    public FloatTensor this[Node node] => _values[node];

    /// <summary>Runs what comes before a model's first block on batches of images.</summary>
    /// <param name="image">The model's input.</param>
    /// <param name="stem">
    /// What comes before the first block; null for nothing, so that the values are the images.
    /// </param>
    /// <param name="isNeeded">Whether later segments take the value of a node.</param>
    /// <param name="images">The images.</param>
    /// <param name="weights">The model's parameters, by name.</param>
    /// <param name="evaluator">The evaluator that computes nodes.</param>
    /// <param name="progress">Receives the number of images read.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="ArgumentException">An image does not have the model's input shape.</exception>
    /// <exception cref="BitisException">An image is damaged, or not finite.</exception>
    public static ActivationStream Start(
        Node image,
        GraphSegment? stem,
        Func<Node, bool> isNeeded,
        CalibrationSet images,
        IReadOnlyDictionary<string, FloatTensor> weights,
        INodeEvaluator evaluator,
        IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var parts = new List<IReadOnlyDictionary<Node, FloatTensor>>();
        int done = 0;
        foreach (FloatTensor batch in images.Read(cancellationToken))
        {
            if (batch.Shape.DropFirst() != image.Shape)
            {
                throw new ArgumentException(
                    $"The model takes [batch, {string.Join(", ", image.Shape)}], not {batch.Shape}; "
                    + "its preprocessing makes such images.",
                    nameof(images));
            }
            InputImages.RequireFinite(batch);
            var values = new Dictionary<Node, FloatTensor> { [image] = batch };
            foreach (
                (Node node, FloatTensor value) in stem?.Run(values, weights, evaluator, cancellationToken)
                    ?? new Dictionary<Node, FloatTensor>())
            {
                values[node] = value;
            }

            parts.Add(values.Where(pair => isNeeded(pair.Key)).ToDictionary());
            done += batch.Shape[0];
            progress?.Report(new WorkProgress("reading images", done, images.Count));
        }
        return new ActivationStream(Join(parts[0].Keys, parts), done);
    }

    /// <summary>The values after a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="model">The model as far as it is quantized.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public ActivationStream Run(
        GraphSegment segment, StreamModel model, int threads, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = ThreadCount.Resolve(threads),
            CancellationToken = cancellationToken,
        };
        return new ActivationStream(
            segment.Outputs.ToDictionary(output => output, output => Compute(segment.For(output), model, options)),
            Images);
    }

    /// <summary>The values of some images.</summary>
    public ActivationStream Slice(int first, int count)
    {
        if (count == Images)
            return this;
        var values = new Dictionary<Node, FloatTensor>();
        foreach ((Node node, FloatTensor value) in _values)
        {
            int length = value.Length / Images;
            values.Add(node, FloatTensor.From(
                value.Shape.DropFirst().Prepend(count), value.Span.Slice(first * length, count * length)));
        }
        return new ActivationStream(values, count);
    }

    /// <summary>The values that later segments need, from this stream and from one more segment.</summary>
    public ActivationStream With(ActivationStream newer, Func<Node, bool> isNeeded) => new(
        _values.Concat(newer._values).Where(pair => isNeeded(pair.Key)).ToDictionary(), Images);

    private static Dictionary<Node, FloatTensor> Join(
        IEnumerable<Node> nodes, List<IReadOnlyDictionary<Node, FloatTensor>> parts)
    {
        var joined = new Dictionary<Node, FloatTensor>();
        foreach (Node node in nodes)
        {
            FloatTensor whole = FloatTensor.Uninitialized(node.Shape.Prepend(parts.Sum(part => part[node].Shape[0])));
            int start = 0;
            foreach (IReadOnlyDictionary<Node, FloatTensor> part in parts)
            {
                part[node].Span.CopyTo(whole.Span[start..]);
                start += part[node].Length;
            }
            joined.Add(node, whole);
        }
        return joined;
    }

    /// <summary>The only output of a segment, each image from start to end while it is in the caches.</summary>
    private FloatTensor Compute(GraphSegment segment, StreamModel model, ParallelOptions threads)
    {
        Node output = segment.Outputs.Single();
        if (segment.Nodes.Count == 0)
            return _values[output];
        using NodePlan plan = NodePlan.Create(
            segment.ToGraph(output), model.Weights, model.Layers, model.Scans);
        return plan.Run([.. segment.Inputs.Select(input => _values[input])], threads);
    }
}
