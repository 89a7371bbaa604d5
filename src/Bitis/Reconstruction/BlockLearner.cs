using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>The part of a block that changes with its quantized operators, forward and backward.</summary>
/// <remarks>
/// It computes the loss between the block's output and a target, and the gradients of the operators' scales.
/// </remarks>
internal sealed unsafe class BlockLearner : IDisposable
{
    private const float SmallestNorm = 1e-8f;

    private readonly GradientRunner _runner;
    private readonly Dictionary<string, FloatTensor> _inputs;
    private readonly FloatTensor _target;
    private readonly BlockLoss _loss;
    private readonly double[] _losses;

    /// <summary>Prepares a block.</summary>
    /// <param name="part">The part of the block that changes; it has one output.</param>
    /// <param name="weights">The float parameters, by name; of quantized layers, the values of their levels.</param>
    /// <param name="fixedLayers">The quantized layers that do not change, by the name of their node.</param>
    /// <param name="operators">The layers with levels on both sides, and the scans in integers.</param>
    /// <param name="inputs">The values that the part takes, of all images.</param>
    /// <param name="target">The target of its output, for all images.</param>
    /// <param name="loss">The kind of loss between output and target.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. Results do not depend on it.
    /// </param>
    public BlockLearner(
        GraphSegment part,
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> fixedLayers,
        IReadOnlyList<ILearnedOperator> operators,
        IReadOnlyDictionary<Node, FloatTensor> inputs,
        FloatTensor target,
        BlockLoss loss,
        int threads)
    {
        Graph graph = part.ToGraph(
            part.Outputs.Single(),
            node => fixedLayers.GetValueOrDefault(node.Name)?.Input is { } input ? new RoundInput(input) : null);
        Dictionary<string, Func<FusedOperation, OperationGradient>> substitutes = operators.ToDictionary(
            learned => learned.Node.Name, learned => (Func<FusedOperation, OperationGradient>)learned.CreateStep);
        foreach ((string name, QuantizedLayer layer) in fixedLayers)
        {
            if (layer.Input is { } input)
            {
                substitutes.Add(
                    GraphSegment.NameOfInput(name), operation => new RoundInputGradient(operation.Main, input));
            }
        }
        var plan = new GradientPlan(
            graph, weights, GradientRunner.ImagesPerMicroBatch(graph), operation =>
                substitutes.GetValueOrDefault(operation.Main.Name)?.Invoke(operation));
        _runner = new GradientRunner(plan, threads);
        _inputs = plan.Inputs.ToDictionary(
            input => input.Node.Name, input => inputs.Single(value => value.Key.Name == input.Node.Name).Value);
        _target = target;
        _loss = loss;
        _losses = new double[target.Shape[0]];
    }

    /// <summary>All images.</summary>
    public int Images => _losses.Length;

    /// <summary>Receives the time of the steps; null for no measurement.</summary>
    public OperationTimes? Times
    {
        get => _runner.Times;
        set => _runner.Times = value;
    }

    /// <summary>The mean loss of some images and, if asked, all gradients.</summary>
    public double Run(int firstImage, int images, bool backward)
    {
        _runner.Run(
            images,
            (microBatch, image) => Load(microBatch, firstImage + image),
            (microBatch, image) => SetOutputGradient(microBatch, firstImage + image, images),
            backward);
        double sum = 0;
        for (int i = firstImage; i < firstImage + images; i++)
            sum += _losses[i];
        return sum / images;
    }

    /// <inheritdoc />
    public void Dispose() => _runner.Dispose();

    private void Load(MicroBatch microBatch, int image)
    {
        foreach ((Node node, ArenaMatrix place) in _runner.Plan.Inputs)
        {
            FloatTensor values = _inputs[node.Name];
            microBatch.Bind(place, values.Pointer + ((nint)image * (values.Length / values.Shape[0])));
        }
    }

    private void SetOutputGradient(MicroBatch microBatch, int firstImage, int batch)
    {
        ArenaMatrix y = _runner.Plan.Output, gradient = _runner.Plan.OutputGradient;
        for (int i = 0; i < microBatch.Images; i++)
        {
            double loss = 0;
            for (int row = 0; row < y.Rows; row++)
            {
                ReadOnlySpan<float> target = _target.Span.Slice(
                    (((firstImage + i) * y.Rows) + row) * y.Columns, y.Columns);
                Span<float> output = microBatch.Row(y, (i * y.Rows) + row),
                    outputGradient = microBatch.Row(gradient, (i * y.Rows) + row);
                float weight = 1f / (batch * y.Rows);
                loss += _loss == BlockLoss.Cosine
                    ? CosineLoss(target, output, weight, outputGradient)
                    : RelativeError(target, output, weight, outputGradient);
            }
            _losses[firstImage + i] = loss / y.Rows;
        }
    }

    /// <summary>
    /// 1 − cos(t, y), and its gradient with respect to y: −(t/(|t|·|y|) − cos·y/|y|²), times a weight.
    /// </summary>
    private static double CosineLoss(
        ReadOnlySpan<float> target, ReadOnlySpan<float> y, float weight, Span<float> gradient)
    {
        float dot = TensorPrimitives.Dot(target, y);
        float targetNorm = Math.Max(TensorPrimitives.Norm(target), SmallestNorm),
            norm = Math.Max(TensorPrimitives.Norm(y), SmallestNorm);
        float cosine = dot / (targetNorm * norm);
        TensorPrimitives.Multiply(y, weight * cosine / (norm * norm), gradient);
        TensorPrimitives.MultiplyAdd(target, -weight / (targetNorm * norm), gradient, gradient);
        return 1 - cosine;
    }

    /// <summary>|y − t|²/|t|², and its gradient with respect to y: 2·(y − t)/|t|², times a weight.</summary>
    private static double RelativeError(
        ReadOnlySpan<float> target, ReadOnlySpan<float> y, float weight, Span<float> gradient)
    {
        float energy = Math.Max(TensorPrimitives.SumOfSquares(target), SmallestNorm);
        TensorPrimitives.Subtract(y, target, gradient);
        double loss = TensorPrimitives.SumOfSquares<float>(gradient) / energy;
        TensorPrimitives.Multiply(gradient, 2 * weight / energy, gradient);
        return loss;
    }
}
