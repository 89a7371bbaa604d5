
namespace Bitis.Training.Optimization;

/// <summary>What a batch says about a model.</summary>
/// <param name="Loss">The mean cross-entropy, in nats.</param>
/// <param name="Logits">The model's output, <c>[batch, classes]</c>.</param>
internal sealed record BatchLoss(double Loss, FloatTensor Logits);
