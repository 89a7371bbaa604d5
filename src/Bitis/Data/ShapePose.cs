namespace Bitis.Data;

/// <summary>Where a shape is in an image, how large it is, and how it is turned.</summary>
/// <param name="X">The centre, in pixels from the left edge.</param>
/// <param name="Y">The centre, in pixels from the upper edge.</param>
/// <param name="Radius">The radius, in pixels.</param>
/// <param name="Angle">How far it is turned, in radians.</param>
/// <param name="IsSymmetric">Whether its mirror image is the same shape, turned by the opposite angle.</param>
internal readonly record struct ShapePose(float X, float Y, float Radius, float Angle, bool IsSymmetric);
