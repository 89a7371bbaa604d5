
namespace Bitis.Graphs;

/// <summary>Computes the value of one node.</summary>
/// <remarks>
/// This is all that executors differ in. There are the reference, the vectorized form, the probe that shows tensors to
/// observers, and the simulation of quantization. The last two wrap another evaluator.
/// </remarks>
internal interface INodeEvaluator
{
    /// <summary>Computes a node's value for a batch.</summary>
    /// <param name="node">The node.</param>
    /// <param name="inputs">The values of its inputs, <c>[batch, ...]</c>; none may be changed.</param>
    /// <param name="parameters">Its parameters.</param>
    FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters);
}
