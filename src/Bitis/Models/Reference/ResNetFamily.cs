using Bitis.Models.Families;

namespace Bitis.Models.Reference;

/// <summary>Residual networks, for comparison.</summary>
internal sealed class ResNetFamily() : ModelFamily<ResNetConfig>("resnet", ModelJson.Default.ResNetConfig);
