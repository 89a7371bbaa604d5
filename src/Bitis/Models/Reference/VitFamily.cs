namespace Bitis.Models;

/// <summary>Vision transformers, to compare with.</summary>
internal sealed class VitFamily() : ModelFamily<VitConfig>("vit", ModelJson.Default.VitConfig);
