using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models.VMamba;

/// <summary>How a pyramid halves its grid between stages.</summary>
[JsonConverter(typeof(EnumByName<DownsamplingKind>))]
internal enum DownsamplingKind
{
    /// <summary>
    /// Four tokens concatenated, a norm, and a linear layer (official <c>downsample_version</c> <c>v1</c>).
    /// </summary>
    PatchMerging,

    /// <summary>A convolution of 3×3 with stride 2, and a norm (<c>v3</c>).</summary>
    Convolution,
}
