using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Recipes;

/// <summary>The distance of a block's output Y from its target T.</summary>
/// <remarks>It is computed token by token. The loss is the mean over images and tokens.</remarks>
[JsonConverter(typeof(EnumByName<BlockLoss>))]
public enum BlockLoss
{
    /// <summary>1 − cos(T, Y), PTQ4VM's loss. It does not depend on the length of Y.</summary>
    Cosine,

    /// <summary>|Y − T|² / |T|².</summary>
    RelativeError,
}
