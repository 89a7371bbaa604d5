using Bitis.Kernels.Gemm;
using Bitis.Tensors;

namespace Bitis.Execution.Planning;

/// <summary>Packed float32 weights by the tensors that they were packed from.</summary>
/// <remarks>Plans of one model for images of several sizes share them.</remarks>
internal sealed class PackedWeightsByTensor : Dictionary<(FloatTensor Weight, FloatTensor? Bias), PackedFloatWeights>;
