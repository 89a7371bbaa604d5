using System.Collections.Concurrent;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The gradients of a loss with random signs by the values of some nodes, image by image.</summary>
/// <remarks>
/// A node whose gradient is wanted gets an embedding of zeros behind it. The embedding's gradient in a batch of one
/// image is that of the node's value. Values that are not tokens, such as maps, have none.
/// </remarks>
internal sealed class OutputGradients : IDisposable
{
    private const string Suffix = ".probe";

    private readonly Node[] _probed;
    private readonly Node _output;
    private readonly ConcurrentBag<(GradientExecutor Executor, CurvatureLoss Loss)> _executors = [];
    private readonly ParallelOptions _parallel;
    private readonly ulong _seed;

    /// <summary>Prepares a model.</summary>
    /// <param name="model">The float model, with norms folded.</param>
    /// <param name="nodes">The nodes whose gradients are wanted.</param>
    /// <param name="seed">The seed of the signs.</param>
    /// <param name="threads">How many images are computed at once; 0 for one on each processor.</param>
    public OutputGradients(VisionModel model, IEnumerable<Node> nodes, ulong seed, int threads)
    {
        (_seed, _output) = (seed, model.Graph.Output);
        _probed = [.. nodes.Where(node => node.Shape.Rank == 2 && node != _output)];
        var weights = new Dictionary<string, FloatTensor>(model.Weights);
        Graph graph = WithProbes(model.Graph, weights);
        int count = ThreadCount.Resolve(threads);
        int places = (int)_output.Shape.ElementCount / model.Config.Classes;
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = count };
        for (int i = 0; i < count; i++)
        {
            _executors.Add(
                (new GradientExecutor(graph, weights, threads: 1), new CurvatureLoss(model.Config.Classes, places)));
        }
    }

    /// <summary>The gradients of some images.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="first">The index of the first image in its set, which decides its signs.</param>
    /// <param name="draw">The number of the draw; each has other signs.</param>
    /// <returns>By node, one gradient after the other.</returns>
    public IReadOnlyDictionary<Node, FloatTensor> Run(FloatTensor images, int first, int draw)
    {
        int batch = images.Shape[0], length = images.Length / batch;
        Dictionary<Node, FloatTensor> gradients = _probed.Append(_output).ToDictionary(
            node => node, node => FloatTensor.Uninitialized(node.Shape.Prepend(batch)));
        Parallel.For(0, batch, _parallel, image =>
        {
            if (!_executors.TryTake(out (GradientExecutor Executor, CurvatureLoss Loss) free))
                throw new InvalidOperationException("More images run at once than there are executors.");
            free.Loss.Seed = SeededRandom.ForPart(_seed, (ulong)(first + image)).NextBits();
            free.Loss.Draw = draw;
            free.Executor.Run(
                FloatTensor.From(images.Shape.DropFirst().Prepend(1), images.Span.Slice(image * length, length)),
                free.Loss);
            foreach (Node node in _probed)
                Copy(free.Executor.Gradients[node.Name + Suffix].Span, gradients[node], image);
            Copy(free.Loss.LogitGradient, gradients[_output], image);
            _executors.Add(free);
        });
        return gradients;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach ((GradientExecutor executor, _) in _executors)
            executor.Dispose();
    }

    private static void Copy(ReadOnlySpan<float> gradient, FloatTensor all, int image) =>
        gradient.CopyTo(all.Span[(image * gradient.Length)..]);

    private Graph WithProbes(Graph graph, Dictionary<string, FloatTensor> weights)
    {
        var nodes = new List<Node>();
        var copies = new Dictionary<Node, Node>();
        HashSet<Node> probed = [.. _probed];
        foreach (Node node in graph.Nodes)
        {
            Node copy = new(
                nodes.Count, node.Name, node.Block, node.Operator, [.. node.Inputs.Select(input => copies[input])],
                node.ParameterNames, node.Shape);
            nodes.Add(copy);
            if (probed.Contains(node))
            {
                var probe = new AddEmbedding(node.Shape[0], node.Shape[1]);
                string name = node.Name + Suffix;
                copy = new Node(nodes.Count, name, node.Block, probe, [copy], [name], node.Shape);
                nodes.Add(copy);
                weights.Add(name, new FloatTensor(probe.Parameters[0].Shape));
            }
            copies.Add(node, copy);
        }
        return new Graph(nodes, [copies[graph.Output]]);
    }
}
