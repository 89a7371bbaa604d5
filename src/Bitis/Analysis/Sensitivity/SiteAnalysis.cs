using System.Numerics;
using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bitis.Analysis.Results;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Quantization.Files;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>Finds out which sites of a model suffer from quantization, and what they do to its answers.</summary>
internal sealed class SiteAnalysis : IDisposable
{
    /// <summary>Few images are passed several times, with other signs, until there are about so many passes.</summary>
    private const int Passes = 256;

    private readonly VisionModel _model;
    private readonly QuantizedModel _quantized;
    private readonly int _threads;
    private readonly ulong _seed;
    private readonly MeasuredAnswers _answers;

    /// <summary>Computes the float model's answers.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="quantized">What the recipe made of it.</param>
    /// <param name="images">The images of exact runs, which are kept in memory.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="seed">The seed of the signs in scores.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The images do not fit the model.</exception>
    public SiteAnalysis(
        VisionModel model, QuantizedModel quantized, ImageSource images, int batchSize, int threads, int seed,
        CancellationToken cancellationToken)
    {
        (_model, _quantized, _threads, _seed) = (model.Folded(), quantized, threads, (ulong)seed);
        Sites = SiteList.Of(quantized);
        _answers = model.Config is IDenseConfig
            ? new SegmentedImages(_model, quantized, images, threads, cancellationToken)
            : new ClassifiedImages(_model, quantized, images, batchSize, threads, cancellationToken);
        Float = Effect((_, _) => false, cancellationToken);
    }

    /// <summary>All sites, in the order of the graph.</summary>
    public IReadOnlyList<QuantizedSite> Sites { get; }

    /// <summary>The float model's answers.</summary>
    public AnswerEffect Float { get; }

    /// <summary>How many images are answered, and how many of them have labels.</summary>
    public (int Images, int Labeled) Counts => _answers.Counts;

    /// <summary>Refuses models and recipes whose sites cannot be quantized one by one.</summary>
    /// <exception cref="BitisException">It is such a model or recipe.</exception>
    public static void RequireSupported(VisionModel model, Recipe recipe)
    {
        if (model.Config is PoseConfig)
            throw new BitisException("The sensitivity of sites is for models that classify images or pixels.");
        if (recipe.Behavior.Learning is not null || recipe.Behavior.Rotates)
        {
            throw new BitisException(
                $"The method '{recipe.Method}' changes layers as a whole, so their sites cannot be quantized one by "
                + "one: take one that only estimates ranges, such as mse, minmax or percentile.");
        }
    }

    /// <summary>How often each of some images is passed to score sites: a power of two.</summary>
    public static int Draws(int images) =>
        (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(Passes / images, 1));

    /// <summary>Scores all sites with backward passes over the calibration images.</summary>
    public IReadOnlyDictionary<QuantizedSite, SiteScore> Score(
        CalibrationSet images, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        ILookup<Node, QuantizedSite> byNode = Sites.ToLookup(site => site.Node);
        // Nodes of the quantized model's graph and of the float model's are the same, in two graphs.
        using var gradients = new OutputGradients(
            _model, byNode.Select(group => _model.Graph[group.Key.Name]), _seed, _threads);
        var sums = Sites.ToDictionary(site => site, _ => (Squares: 0.0, Noise: new Decibels(), HasGradient: false));
        int done = 0, draws = Draws(images.Count);
        IReadOnlyDictionary<Node, FloatTensor> current = new Dictionary<Node, FloatTensor>();
        using var inner = new VectorizedEvaluator(_threads);
        var evaluator = new SiteEvaluator(inner, _quantized.Layers, _quantized.Scans, _threads);
        var executor = new GraphExecutor(_quantized.Graph, _model.Weights, new Scorer(evaluator, Observe));
        foreach (FloatTensor batch in images.Read(cancellationToken))
        {
            for (int draw = 0; draw < draws; draw++)
            {
                current = gradients.Run(batch, done, draw);
                executor.Run(batch, cancellationToken);
            }
            done += batch.Shape[0];
            progress?.Report(new WorkProgress("scoring sites", done, images.Count));
        }
        return sums.ToDictionary(
            pair => pair.Key,
            pair => new SiteScore(
                pair.Value.HasGradient ? pair.Value.Squares / done / draws : null,
                pair.Value.Noise.Ratio));

        void Observe(
            Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters, FloatTensor exact)
        {
            FloatTensor? gradient = current.GetValueOrDefault(_model.Graph[node.Name]);
            foreach (QuantizedSite site in byNode[node])
            {
                FloatTensor noise = evaluator.Compute(node, (_, kind) => kind == site.Kind, inputs, parameters);
                TensorPrimitives.Subtract(noise.Span, exact.Span, noise.Span);
                (double squares, Decibels decibels, _) = sums[site];
                double all = 0;
                int length = noise.Length / noise.Shape[0];
                for (int image = 0; image < noise.Shape[0]; image++)
                {
                    ReadOnlySpan<float> part = noise.Span.Slice(image * length, length);
                    if (gradient is not null)
                        squares += Math.Pow(TensorPrimitives.Dot(part, gradient.Span.Slice(image * length, length)), 2);
                    all += TensorPrimitives.SumOfSquares(part);
                }
                decibels.Add(TensorPrimitives.SumOfSquares<float>(exact.Span), all);
                sums[site] = (squares, decibels, gradient is not null);
            }
        }
    }

    /// <summary>What quantizing a site alone, and all others, does.</summary>
    public ExactEffects Try(QuantizedSite site, CancellationToken cancellationToken) => new(
        Effect((node, kind) => node == site.Node.Name && kind == site.Kind, cancellationToken),
        Effect((node, kind) => node != site.Node.Name || kind != site.Kind, cancellationToken));

    /// <summary>What quantizing some sites does.</summary>
    /// <param name="isQuantized">Whether a site of the node with a name is quantized.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public AnswerEffect Effect(Func<string, SiteKind, bool> isQuantized, CancellationToken cancellationToken) =>
        _answers.Measure(isQuantized, cancellationToken);

    /// <summary>A digest of everything that exact runs depend on.</summary>
    public string Identity()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendModel(_model);
        hash.AppendData(Encoding.UTF8.GetBytes(_quantized.Calibration.Sha256));
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(
            RecipeDocument.Of(_quantized.Recipe), QuantizedModelJson.Default.RecipeDocument));
        _answers.AppendTo(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc />
    public void Dispose() => _answers.Dispose();

    /// <summary>Shows each node's inputs and exact value.</summary>
    private sealed class Scorer(INodeEvaluator inner, Scorer.Observer observe) : INodeEvaluator
    {
        public delegate void Observer(
            Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters, FloatTensor exact);

        public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
        {
            FloatTensor exact = inner.Evaluate(node, inputs, parameters);
            observe(node, inputs, parameters, exact);
            return exact;
        }
    }
}
