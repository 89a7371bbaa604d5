using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Data.Resampling;

/// <summary>The filter of a resize; both widen when they shrink an image (antialiasing), as Pillow's do.</summary>
[JsonConverter(typeof(EnumByName<Interpolation>))]
public enum Interpolation
{
    /// <summary>A triangle, two pixels wide before widening.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = −0.5, four pixels wide before widening.</summary>
    Bicubic,
}
