using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Checkpoints;

/// <summary>The element types of checkpoint files; the names in safetensors headers are in
/// <see cref="DTypes"/>.</summary>
[JsonConverter(typeof(EnumByName<DType>))]
internal enum DType
{
    /// <summary>One byte, zero or one.</summary>
    Bool,

    /// <summary>Four-bit float: E2M1, two to a byte.</summary>
    Float4,

    /// <summary>Six-bit float: E2M3, four to three bytes.</summary>
    Float6E2M3,

    /// <summary>Six-bit float: E3M2, four to three bytes.</summary>
    Float6E3M2,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,

    /// <summary>Signed 8-bit integer.</summary>
    Int8,

    /// <summary>8-bit float with infinities: the upper half of a float16.</summary>
    Float8E5M2,

    /// <summary>8-bit float without infinities (OCP "FN").</summary>
    Float8E4M3,

    /// <summary>A power of two: the exponent only, biased by 127.</summary>
    Float8E8M0,

    /// <summary>8-bit float without infinities or negative zero, bias 8.</summary>
    Float8E4M3Fnuz,

    /// <summary>8-bit float without infinities or negative zero, bias 16.</summary>
    Float8E5M2Fnuz,

    /// <summary>Signed 16-bit integer.</summary>
    Int16,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16,

    /// <summary>IEEE half precision.</summary>
    Float16,

    /// <summary>The upper half of a float32.</summary>
    BFloat16,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32,

    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>Two float32: real and imaginary part.</summary>
    Complex64,

    /// <summary>IEEE double precision.</summary>
    Float64,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64,
}
