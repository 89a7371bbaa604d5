namespace Bitis.Models.Catalogue;

/// <summary>A published model.</summary>
/// <param name="Name">The name in Bitis: <c>vim-tiny</c>.</param>
/// <param name="Config">Its architecture.</param>
/// <param name="PublishedTop1">Its top-1 accuracy on ImageNet in percent, as its authors report it.</param>
/// <param name="Source">
/// Where its checkpoint is published: an <c>hf:</c> reference or a download address; null if it is not published.
/// </param>
internal sealed record ModelVariant(string Name, ModelConfig Config, double PublishedTop1, string? Source);
