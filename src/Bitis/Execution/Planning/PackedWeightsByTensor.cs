using Bitis.Kernels.Gemm;
using Bitis.Tensors;

namespace Bitis.Execution.Planning;

/// <summary>Packed weights by the tensors or levels that they were packed from.</summary>
/// <remarks>Plans of one model for images of several sizes share them.</remarks>
internal sealed class PackedWeightsByTensor : Dictionary<(object Weight, FloatTensor? Bias), IPackedWeights>
{
    /// <summary>The packed form of a layer's weights; it is packed at the first use.</summary>
    /// <param name="weight">The tensor, or the array of levels.</param>
    /// <param name="bias">The bias; null for none.</param>
    /// <param name="pack">Packs the weights.</param>
    public T Share<T>(object weight, FloatTensor? bias, Func<T> pack)
        where T : IPackedWeights
    {
        if (!TryGetValue((weight, bias), out IPackedWeights? packed))
        {
            packed = pack();
            Add((weight, bias), packed);
        }
        return (T)packed;
    }
}
