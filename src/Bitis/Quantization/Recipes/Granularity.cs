using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Recipes;

/// <summary>Which values of a tensor share one scale and zero point.</summary>
[JsonConverter(typeof(EnumByName<Granularity>))]
public enum Granularity
{
    /// <summary>One scale for all values.</summary>
    PerTensor,

    /// <summary>
    /// One scale for each token position, <c>[tokens]</c>, over all images and channels (PTQ4VM's per-token static
    /// quantization).
    /// </summary>
    /// <remarks>Positions are in the order in which the operator sees its tokens.</remarks>
    PerToken,

    /// <summary>
    /// One scale for each output channel of weights, <c>[out]</c>, or for each channel of an activation,
    /// <c>[channels]</c>.
    /// </summary>
    PerChannel,
}
