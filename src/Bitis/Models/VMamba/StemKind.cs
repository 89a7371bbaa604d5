using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models.VMamba;

/// <summary>How a VMamba turns the image into tokens.</summary>
[JsonConverter(typeof(EnumByName<StemKind>))]
internal enum StemKind
{
    /// <summary>
    /// One convolution over patches that do not overlap (official <c>patchembed_version</c> <c>v1</c>).
    /// </summary>
    Patches,

    /// <summary>Two convolutions of 3×3 with stride 2, a norm after each and a GELU between them (<c>v2</c>).</summary>
    Convolutions,
}
