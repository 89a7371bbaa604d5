using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Quantization.Recipes;

/// <summary>
/// How far a block's output Y is from its target T, token by token; the loss is the mean over images and tokens.
/// </summary>
[JsonConverter(typeof(EnumByName<BlockLoss>))]
public enum BlockLoss
{
    /// <summary>1 − cos(T, Y): PTQ4VM's. It does not see the length of Y.</summary>
    Cosine,

    /// <summary>|Y − T|² / |T|².</summary>
    RelativeError,
}
