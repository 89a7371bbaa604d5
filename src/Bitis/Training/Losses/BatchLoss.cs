
namespace Bitis.Training.Losses;

/// <summary>The loss of a batch and the logits behind it.</summary>
/// <param name="Loss">The mean cross-entropy, in nats.</param>
/// <param name="Logits">The model's output, <c>[batch, classes]</c>.</param>
internal sealed record BatchLoss(double Loss, FloatTensor Logits);
