using Bitis.Data;

namespace Bitis.Models.Poses;

/// <summary>A pose as numbers that a model can learn, all of about the same variance.</summary>
/// <remarks>
/// <code>
///   10·(x/side − 1/2)   10·(y/side − 1/2)   16·(radius/side − 3/8)   sin 6θ   cos 6θ
/// </code>
/// A shape looks the same after a turn by its symmetry: 60° for a hexagon, the least of all shapes. The sine and cosine
/// of six times the angle are the same then, too, so no pair of equal images has different targets. So angles are known
/// modulo 60°, which is enough for shapes that are turned by at most 0.5 radians (28.6°).
/// </remarks>
internal static class PoseEncoding
{
    /// <summary>How many numbers there are.</summary>
    public const int Numbers = 5;

    /// <summary>The smallest angle after which a shape looks the same, in radians: that of a hexagon.</summary>
    public const double Period = 2 * Math.PI / Symmetry;

    private const int Symmetry = 6;
    private const float PositionScale = 10, SizeScale = 16, MeanSize = 0.375f;

    /// <summary>Encodes a pose.</summary>
    /// <param name="pose">The pose.</param>
    /// <param name="side">The side of the image, in pixels.</param>
    /// <param name="numbers">Receives the numbers.</param>
    public static void Encode(ShapePose pose, int side, Span<float> numbers)
    {
        numbers[0] = PositionScale * ((pose.X / side) - 0.5f);
        numbers[1] = PositionScale * ((pose.Y / side) - 0.5f);
        numbers[2] = SizeScale * ((pose.Radius / side) - MeanSize);
        (numbers[3], numbers[4]) = MathF.SinCos(Symmetry * pose.Angle);
    }

    /// <summary>The pose that a model's numbers say; its angle is at most 30°.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <param name="side">The side of the image, in pixels.</param>
    public static ShapePose Decode(ReadOnlySpan<float> numbers, int side) => new(
        side * ((numbers[0] / PositionScale) + 0.5f),
        side * ((numbers[1] / PositionScale) + 0.5f),
        side * ((numbers[2] / SizeScale) + MeanSize),
        MathF.Atan2(numbers[3], numbers[4]) / Symmetry,
        IsSymmetric: false);

    /// <summary>The distance of two angles modulo <see cref="Period"/>, in degrees.</summary>
    public static double AngleBetween(float angle, float other)
    {
        double distance = Math.Abs(angle - (double)other) % Period;
        return double.RadiansToDegrees(Math.Min(distance, Period - distance));
    }
}
