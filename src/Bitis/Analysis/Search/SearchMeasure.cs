using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis;

/// <summary>What a search limits or makes small.</summary>
[JsonConverter(typeof(EnumByName<SearchMeasure>))]
public enum SearchMeasure
{
    /// <summary>The drop of accuracy or mean IoU, in points of 100.</summary>
    Drop,

    /// <summary>The milliseconds for one image.</summary>
    Latency,

    /// <summary>The bytes of the file.</summary>
    Size,
}
