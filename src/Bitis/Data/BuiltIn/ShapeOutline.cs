namespace Bitis.Data.BuiltIn;

/// <summary>The outlines of the shapes as signed distances of a point, negative inside.</summary>
/// <remarks>Shapes reach about 1 from the origin of their plane.</remarks>
internal static class ShapeOutline
{
    private static readonly (float X, float Y)[][] Polygons =
    [
        Regular(3),
        Regular(4),
        Regular(5),
        Regular(6),
        Star(5, inner: 0.42f),
        Star(6, inner: 0.52f),
        [],
        [],
        [
            (-0.3f, -1), (0.3f, -1), (0.3f, -0.3f), (1, -0.3f), (1, 0.3f), (0.3f, 0.3f),
            (0.3f, 1), (-0.3f, 1), (-0.3f, 0.3f), (-1, 0.3f), (-1, -0.3f), (-0.3f, -0.3f),
        ],
        [(0, -1), (0.75f, 0.05f), (0.27f, 0.05f), (0.27f, 1), (-0.27f, 1), (-0.27f, 0.05f), (-0.75f, 0.05f)],
    ];

    /// <summary>The distance of a point from a shape's outline.</summary>
    public static float Distance(ShapeClass shape, float x, float y) => shape switch
    {
        ShapeClass.Crescent => MathF.Max(Length(x, y) - 0.95f, 0.72f - Length(x - 0.45f, y)),
        ShapeClass.Arc => MathF.Max(MathF.Abs(Length(x, y) - 0.72f) - 0.23f, x - 0.25f),
        _ => Distance(Polygons[(int)shape], x, y),
    };

    // The nearest edge gives the distance. The parity of the edges to the right of the point gives the sign.
    private static float Distance((float X, float Y)[] polygon, float x, float y)
    {
        float nearest = float.MaxValue;
        bool inside = false;
        (float X, float Y) a = polygon[^1];
        foreach ((float X, float Y) b in polygon)
        {
            float edgeX = b.X - a.X, edgeY = b.Y - a.Y, toX = x - a.X, toY = y - a.Y;
            float along = Math.Clamp(((toX * edgeX) + (toY * edgeY)) / ((edgeX * edgeX) + (edgeY * edgeY)), 0, 1);
            float dx = toX - (along * edgeX), dy = toY - (along * edgeY);
            nearest = MathF.Min(nearest, (dx * dx) + (dy * dy));
            if (a.Y > y != b.Y > y && x < a.X + ((y - a.Y) / edgeY * edgeX))
                inside = !inside;
            a = b;
        }
        return inside ? -MathF.Sqrt(nearest) : MathF.Sqrt(nearest);
    }

    private static (float X, float Y)[] Regular(int corners) => Star(corners, inner: MathF.Cos(MathF.PI / corners));

    /// <summary>Corners on the unit circle and, between them, on an inner one.</summary>
    private static (float X, float Y)[] Star(int points, float inner)
    {
        var corners = new (float X, float Y)[2 * points];
        for (int i = 0; i < corners.Length; i++)
        {
            float radius = i % 2 == 0 ? 1 : inner, angle = MathF.PI * i / points;
            corners[i] = (radius * MathF.Sin(angle), -radius * MathF.Cos(angle));
        }
        return corners;
    }

    private static float Length(float x, float y) => MathF.Sqrt((x * x) + (y * y));
}
