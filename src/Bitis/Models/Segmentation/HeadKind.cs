using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models.Segmentation;

/// <summary>The kinds of heads that turn a backbone's maps into a map of classes.</summary>
[JsonConverter(typeof(EnumByName<HeadKind>))]
internal enum HeadKind
{
    /// <summary>Convolutions over one map (mmsegmentation's <c>FCNHead</c>).</summary>
    Fcn,

    /// <summary>
    /// Pyramid pooling of the last map, and a pyramid of all maps from the last to the first (<c>UPerHead</c>).
    /// </summary>
    UPer,
}
