using Bitis.Tensors;

namespace Bitis.Evaluation;

/// <summary>Anything that answers for images: an integer session, a float session, a simulation.</summary>
/// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
/// <param name="cancellationToken">Ends the work.</param>
/// <returns>Logits, <c>[batch, classes]</c>.</returns>
public delegate Tensor LogitFunction(Tensor images, CancellationToken cancellationToken);
