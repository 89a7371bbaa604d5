using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Recipes;

/// <summary>Which values of a tensor share one scale and zero point.</summary>
[JsonConverter(typeof(EnumByName<Granularity>))]
public enum Granularity
{
    /// <summary>All values share one: one scale.</summary>
    PerTensor,

    /// <summary>
    /// The values of one token position share one, over all images and channels: <c>[tokens]</c> scales (PTQ4VM's
    /// per-token static quantization).
    /// </summary>
    /// <remarks>Positions count in the order in which the operator sees its tokens.</remarks>
    PerToken,

    /// <summary>
    /// The weights of one output channel share one: <c>[out]</c> scales; or the values of one channel of an activation:
    /// <c>[channels]</c>.
    /// </summary>
    PerChannel,
}
