using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Quantizers;

/// <summary>How the levels of discrete parameters Ā, which lie between 0 and 1, are spread.</summary>
[JsonConverter(typeof(EnumByName<DecaySpacing>))]
public enum DecaySpacing
{
    /// <summary>Evenly.</summary>
    Uniform,

    /// <summary>
    /// Dense near 1, where most values are: QMamba's long-tailed skewness quantization (LtSQ), beside uniform levels
    /// where those serve better.
    /// </summary>
    LongTailed,

    /// <summary>Powers of two: dense near 0. A baseline.</summary>
    Logarithmic,
}
