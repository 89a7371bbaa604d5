using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>A parameter, the place of its gradient in every lane's sums, and the gradient itself.</summary>
/// <param name="Weight">The values; the trainer changes them between runs.</param>
/// <param name="Gradient">The sum over all lanes, of the weight's shape.</param>
/// <param name="Offset">The first element of the gradient in a lane's sums.</param>
internal sealed record ParameterSlot(Tensor Weight, Tensor Gradient, int Offset);
