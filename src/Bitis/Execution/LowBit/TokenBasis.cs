using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Execution.LowBit;

/// <summary>Which rows of the Walsh-Hadamard transform along the tokens are kept.</summary>
[JsonConverter(typeof(EnumByName<TokenBasis>))]
internal enum TokenBasis
{
    /// <summary>
    /// Blocks are patches of 4×4 tokens. The functions with the fewest changes of sign along both axes are kept.
    /// </summary>
    Patch,

    /// <summary>Blocks are 16 tokens in their order. The functions with the fewest changes of sign are kept.</summary>
    /// <remarks>Half of them span what is constant on pairs of neighbours.</remarks>
    Sequency,

    /// <summary>
    /// Blocks as for <see cref="Patch"/>. Each micro-batch keeps the functions in which the layer's input has most
    /// energy.
    /// </summary>
    Energy,
}
