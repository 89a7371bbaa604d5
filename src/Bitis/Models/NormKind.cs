using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models;

/// <summary>Which normalization a backbone uses.</summary>
[JsonConverter(typeof(EnumByName<NormKind>))]
internal enum NormKind
{
    /// <summary>Root-mean-square normalization, without a bias.</summary>
    Rms,

    /// <summary>Layer normalization, with a bias.</summary>
    Layer,
}
