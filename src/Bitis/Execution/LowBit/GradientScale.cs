using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Execution.LowBit;

/// <summary>
/// Which values of an output's gradient share a scale in the product that gives the input's gradient.
/// </summary>
[JsonConverter(typeof(EnumByName<GradientScale>))]
internal enum GradientScale
{
    /// <summary>One for each token: on a CPU as fast as one for all, and never less exact.</summary>
    Token,

    /// <summary>One for all tokens of the images that pass through a layer together.</summary>
    Tensor,

    /// <summary>Chosen for each layer, each time: a scale per token where that halves the error at least.</summary>
    /// <remarks>
    /// With a scale s of each token, rounding errors are in proportion to Σ s² against tokens·(max s)², so outliers in
    /// few tokens lead to scales per token.
    /// </remarks>
    Auto,
}
