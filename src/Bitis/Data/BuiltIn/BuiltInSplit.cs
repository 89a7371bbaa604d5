using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Data.BuiltIn;

/// <summary>The parts of the built-in set, without common images.</summary>
[JsonConverter(typeof(EnumByName<BuiltInSplit>))]
internal enum BuiltInSplit
{
    /// <summary>Images for training and calibration.</summary>
    Train,

    /// <summary>Images for evaluation.</summary>
    Test,
}
