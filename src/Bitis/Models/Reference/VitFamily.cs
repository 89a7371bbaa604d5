using Bitis.Models.Families;

namespace Bitis.Models.Reference;

/// <summary>Vision transformers, for comparison.</summary>
internal sealed class VitFamily() : ModelFamily<VitConfig>("vit", ModelJson.Default.VitConfig)
{
    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(VitConfig config) => new Dictionary<string, string>
    {
        [ModelOptions.ImageSizeOption] = ModelOptions.Text(config.ImageSize),
    };
}
