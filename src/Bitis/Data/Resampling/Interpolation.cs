using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Data.Resampling;

/// <summary>The filter of a resize. Both widen when they shrink an image (antialiasing), as in Pillow.</summary>
[JsonConverter(typeof(EnumByName<Interpolation>))]
public enum Interpolation
{
    /// <summary>A triangle filter, two pixels wide before widening.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = −0.5, four pixels wide before widening.</summary>
    Bicubic,
}
