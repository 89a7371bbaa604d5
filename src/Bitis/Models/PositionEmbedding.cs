namespace Bitis.Models;

/// <summary>
/// Where a model learned the places of its patches, so that it can be made for images of another size.
/// </summary>
/// <param name="Parameter">The parameter, <c>[1, tokens, channels]</c>.</param>
/// <param name="GridSide">Patches along one side of the image.</param>
/// <param name="ClassTokenIndex">The class token's place among the tokens; null if there is none.</param>
internal sealed record PositionEmbedding(string Parameter, int GridSide, int? ClassTokenIndex);
