using Bitis.Models.Families;

namespace Bitis.Models.Poses;

/// <summary>Backbones of other families that give the pose of a shape.</summary>
internal sealed class PoseFamily() : ModelFamily<PoseConfig>("pose", ModelJson.Default.PoseConfig);
