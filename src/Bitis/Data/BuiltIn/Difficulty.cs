namespace Bitis.Data.BuiltIn;

/// <summary>The parameters that determine how hard the built-in set is.</summary>
/// <remarks>
/// They are chosen so that a good float32 model with half a million parameters classifies most images correctly, but
/// not all.
/// </remarks>
internal static class Difficulty
{
    /// <summary>The least and the greatest radius of the shape, as shares of the image's side.</summary>
    public const float SmallestRadius = 0.3f, LargestRadius = 0.45f;

    /// <summary>The radii of the shapes in an image of several.</summary>
    public const float SmallestOfSeveral = 0.14f, LargestOfSeveral = 0.26f;

    /// <summary>The shapes in an image of several: at least so many are tried, and at most.</summary>
    public const int FewestShapes = 2, MostShapes = 4;

    /// <summary>How far the shape is turned from upright, at most, in radians.</summary>
    public const float MostRotation = 0.5f;

    /// <summary>Fragments of other shapes behind the shape, at most.</summary>
    public const int MostDistractors = 2;

    /// <summary>How often a bar hides a part of the shape, and its greatest width as a share of the radius.</summary>
    public const double OccluderShare = 0.3, OccluderWidth = 0.35;

    /// <summary>The least difference in brightness between the shape and what is behind it, from 0 to 1.</summary>
    public const float LeastContrast = 0.2f;

    /// <summary>The greatest width of soft edges, in pixels.</summary>
    public const float MostBlur = 1.6f;

    /// <summary>The greatest standard deviation of the noise, from 0 to 1.</summary>
    public const float MostNoise = 0.06f;
}
