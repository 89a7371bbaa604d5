using Bitis.Tensors;

namespace Bitis.Data.BuiltIn;

/// <summary>Position, rotation, size and shear of a shape, as the map from pixels back to the shape's plane.</summary>
internal readonly record struct Pose(
    float CenterX, float CenterY, float XX, float XY, float YX, float YY, float Radius, float Angle)
{
    /// <summary>A random pose.</summary>
    /// <param name="random">The image's random numbers.</param>
    /// <param name="size">The side of the image in pixels.</param>
    /// <param name="smallest">The least radius, as a share of the side.</param>
    /// <param name="largest">The greatest radius.</param>
    /// <param name="rotation">How far it is turned, at most, in radians.</param>
    /// <param name="inside">Whether the whole shape is in the image.</param>
    public static Pose Random(SeededRandom random, int size, float smallest, float largest, float rotation, bool inside)
    {
        float radius = size * random.NextSingle(smallest, largest);
        float margin = inside ? radius : 0;
        float x = random.NextSingle(margin, size - margin), y = random.NextSingle(margin, size - margin);
        float angle = random.NextSingle(-rotation, rotation), shear = random.NextSingle(-0.2f, 0.2f),
            stretch = random.NextSingle(0.85f, 1.15f);
        (float sin, float cos) = MathF.SinCos(angle);
        // Rotate, shear along x, stretch along y, divide by the radius.
        float xx = (cos + (shear * -sin)) / radius, xy = (sin + (shear * cos)) / radius;
        return new Pose(x, y, xx, xy, -sin * stretch / radius, cos * stretch / radius, radius, angle);
    }

    /// <summary>A pixel's place in the shape's plane.</summary>
    public (float X, float Y) ToShape(float x, float y)
    {
        float dx = x - CenterX, dy = y - CenterY;
        return ((XX * dx) + (XY * dy), (YX * dx) + (YY * dy));
    }
}
