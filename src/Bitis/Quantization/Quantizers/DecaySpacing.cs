using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Quantizers;

/// <summary>The spacing of the levels of discrete parameters Ā, which lie between 0 and 1.</summary>
[JsonConverter(typeof(EnumByName<DecaySpacing>))]
public enum DecaySpacing
{
    /// <summary>Even spacing.</summary>
    Uniform,

    /// <summary>QMamba's long-tailed skewness quantization (LtSQ): dense near 1, where most values are.</summary>
    /// <remarks>A scan has uniform levels instead if they are better.</remarks>
    LongTailed,

    /// <summary>Powers of two: dense near 0. A baseline.</summary>
    Logarithmic,
}
