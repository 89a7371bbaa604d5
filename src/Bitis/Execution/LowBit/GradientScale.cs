using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Execution.LowBit;

/// <summary>
/// Which values of an output's gradient share a scale in the product that gives the input's gradient.
/// </summary>
[JsonConverter(typeof(EnumByName<GradientScale>))]
internal enum GradientScale
{
    /// <summary>One scale for each token: on a CPU as fast as one for all tokens, and never less exact.</summary>
    Token,

    /// <summary>One scale for all tokens of the images that pass through a layer together.</summary>
    Tensor,

    /// <summary>Chosen for each layer in each step: a scale per token if this at least halves the error.</summary>
    /// <remarks>
    /// With a scale s of each token, rounding errors are in proportion to Σ s². With one scale, they are in proportion
    /// to tokens·(max s)². So outliers in few tokens lead to scales per token.
    /// </remarks>
    Auto,
}
