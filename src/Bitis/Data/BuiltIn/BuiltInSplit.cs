using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Data.BuiltIn;

/// <summary>The parts of the built-in set; no image is in two of them.</summary>
[JsonConverter(typeof(EnumByName<BuiltInSplit>))]
internal enum BuiltInSplit
{
    /// <summary>Images to learn from and to calibrate with.</summary>
    Train,

    /// <summary>Images to evaluate with.</summary>
    Test,
}
