namespace Bitis.Models.Catalogue;

/// <summary>A published model.</summary>
/// <param name="Name">Our name for it: <c>vim-tiny</c>.</param>
/// <param name="Config">Its architecture.</param>
/// <param name="PublishedTop1">Its top-1 accuracy on ImageNet in percent, as its authors state it.</param>
/// <param name="Source">
/// Where its checkpoint is published: an <c>hf:</c> reference, or an address to download it from; null if it is not.
/// </param>
internal sealed record ModelVariant(string Name, ModelConfig Config, double PublishedTop1, string? Source);
