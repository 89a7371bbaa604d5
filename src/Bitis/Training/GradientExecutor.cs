using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>Stands in for the differentiable executor: the exact gradient of the model's last layer, zero elsewhere, slowly.</summary>
public sealed class GradientExecutor : IDisposable
{
    private readonly Node _head;
    private readonly GraphExecutor _forward;
    private readonly Dictionary<string, Tensor> _gradients;
    private Tensor? _features;

    /// <summary>Prepares a model whose output is a linear layer with a bias.</summary>
    public GradientExecutor(Graph graph, IReadOnlyDictionary<string, Tensor> weights, int threads = 0)
    {
        _head = graph.Output;
        _forward = new GraphExecutor(graph, weights, new ProbingEvaluator(ReferenceEvaluator.Instance, Keep));
        _gradients = weights.ToDictionary(weight => weight.Key, weight => new Tensor(weight.Value.Shape));
    }

    /// <summary>The gradients of the last batch, by parameter name.</summary>
    public IReadOnlyDictionary<string, Tensor> Gradients => _gradients;

    /// <summary>Computes the mean cross-entropy of a batch and its gradients.</summary>
    public BatchLoss Run(Tensor images, Tensor targets)
    {
        Tensor logits = _forward.Run(images);
        int batch = logits.Shape[0], classes = logits.Shape[1], width = ((Linear)_head.Operator).InFeatures;
        Span<float> weight = _gradients[_head.ParameterNames[0]].Span, bias = _gradients[_head.ParameterNames[1]].Span;
        weight.Clear();
        bias.Clear();
        double loss = 0;
        for (int image = 0; image < batch; image++)
        {
            ReadOnlySpan<float> row = logits.Span.Slice(image * classes, classes), target = targets.Span.Slice(image * classes, classes);
            double largest = row[0], sum = 0;
            foreach (float value in row)
                largest = Math.Max(largest, value);
            foreach (float value in row)
                sum += Math.Exp(value - largest);
            for (int c = 0; c < classes; c++)
            {
                double logProbability = row[c] - largest - Math.Log(sum);
                loss -= target[c] * logProbability;
                double gradient = (Math.Exp(logProbability) - target[c]) / batch;
                bias[c] += (float)gradient;
                for (int i = 0; i < width; i++)
                    weight[c * width + i] += (float)(gradient * _features!.Span[image * width + i]);
            }
        }
        return new BatchLoss(loss / batch, logits);
    }

    /// <inheritdoc />
    public void Dispose() => _features = null;

    private void Keep(Node node, ReadOnlySpan<Tensor> inputs)
    {
        if (node == _head)
            _features = inputs[0];
    }
}
