using Bitis.Data.LabelMaps;
using Bitis.Tensors;
using Color = (float R, float G, float B);

namespace Bitis.Data.BuiltIn;

/// <summary>Paints one image of the built-in set.</summary>
/// <remarks>
/// In this order: a shaded, textured background, fragments of other shapes, the shape, perhaps a bar across it, light
/// from one side, a colour cast, and noise. Every edge is anti-aliased.
/// </remarks>
internal static class ScenePainter
{
    /// <summary>How far a sheared and stretched shape reaches, in radii.</summary>
    private const float Frame = 1.35f;

    /// <summary>Paints a shape.</summary>
    /// <param name="shape">The class.</param>
    /// <param name="size">The side of the image in pixels.</param>
    /// <param name="random">The image's random numbers.</param>
    public static (PixelImage Image, Pose Pose) Paint(ShapeClass shape, int size, SeededRandom random)
    {
        var canvas = new Color[size * size];
        float backgroundLevel = PaintBackground(canvas, size, random);
        float edge = 0.7f + random.NextSingle(0, Difficulty.MostBlur);
        Pose pose = Pose.Random(
            random, size, Difficulty.SmallestRadius, Difficulty.LargestRadius, Difficulty.MostRotation, inside: true);
        PaintDistractors(canvas, size, random, edge);
        PaintShape(canvas, size, shape, pose, ShapeFill(random, backgroundLevel), edge);
        if (random.NextDouble() < Difficulty.OccluderShare)
            PaintOccluder(canvas, size, random, pose, edge);
        return (Photograph(canvas, size, random), pose);
    }

    /// <summary>Paints several shapes that do not overlap, before a background that is class 0.</summary>
    /// <remarks>
    /// Each pixel's label is what covers most of it: a shape, whose label is its class + 1, or else the background. To
    /// the background belong fragments and bars, too.
    /// </remarks>
    /// <param name="first">The class of the first shape; those of others are random.</param>
    /// <param name="size">The side of the image in pixels.</param>
    /// <param name="random">The image's random numbers.</param>
    public static (PixelImage Image, LabelMap Labels) PaintSeveral(ShapeClass first, int size, SeededRandom random)
    {
        var canvas = new Color[size * size];
        var labels = new ushort[size * size];
        float backgroundLevel = PaintBackground(canvas, size, random);
        float edge = 0.7f + random.NextSingle(0, Difficulty.MostBlur);
        const float share = Difficulty.SmallestOfSeveral / Difficulty.SmallestRadius;
        PaintDistractors(canvas, size, random, edge, share);
        int count = Difficulty.FewestShapes + random.NextInt32(Difficulty.MostShapes - Difficulty.FewestShapes + 1);
        var poses = new List<Pose>();
        for (int i = 0; i < count; i++)
        {
            var shape = i == 0 ? first : (ShapeClass)random.NextInt32(BuiltInImageSource.ShapeNames.Count);
            if (FreePose(poses, size, random) is not { } pose)
                continue;
            poses.Add(pose);
            Fill(
                canvas, size, edge, pose, (x, y) => ShapeOutline.Distance(shape, x, y),
                ShapeFill(random, backgroundLevel), labels, (ushort)(shape + 1));
            if (random.NextDouble() < Difficulty.OccluderShare)
                PaintOccluder(canvas, size, random, pose, edge, labels);
        }
        return (Photograph(canvas, size, random), new LabelMap(size, size, labels));
    }

    /// <summary>A pose beside all others; null if none was found.</summary>
    private static Pose? FreePose(List<Pose> others, int size, SeededRandom random)
    {
        const int attempts = 30;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            Pose pose = Pose.Random(
                random, size, Difficulty.SmallestOfSeveral, Difficulty.LargestOfSeveral, Difficulty.MostRotation,
                inside: true);
            if (others.All(other => IsBeside(pose, other)))
                return pose;
        }
        return null;
    }

    private static bool IsBeside(Pose pose, Pose other)
    {
        float x = pose.CenterX - other.CenterX, y = pose.CenterY - other.CenterY,
            reach = 1.1f * (pose.Radius + other.Radius);
        return (x * x) + (y * y) >= reach * reach;
    }

    /// <summary>A gradient between two colours with waves in it.</summary>
    /// <returns>The mean brightness.</returns>
    private static float PaintBackground(Color[] canvas, int size, SeededRandom random)
    {
        Color from = RandomColor(random, 0.15f, 0.85f), to = Mix(from, RandomColor(random, 0.15f, 0.85f), 0.6f);
        (float sin, float cos) = MathF.SinCos(random.NextSingle(0, 2 * MathF.PI));
        (float waveSin, float waveCos) = MathF.SinCos(random.NextSingle(0, 2 * MathF.PI));
        float frequency = random.NextSingle(0.3f, 1.6f), amplitude = random.NextSingle(0, 0.12f),
            phase = random.NextSingle(0, 6.28f);
        for (int i = 0; i < canvas.Length; i++)
        {
            float x = i % size, y = i / size;
            float along = 0.5f + ((((x / size) - 0.5f) * cos) + (((y / size) - 0.5f) * sin)) / 1.42f;
            float wave = amplitude * MathF.Sin((frequency * ((x * waveCos) + (y * waveSin))) + phase);
            Color color = Mix(from, to, along);
            canvas[i] = (color.R + wave, color.G + wave, color.B + wave);
        }
        return (Brightness(from) + Brightness(to)) / 2;
    }

    /// <summary>Small shapes of any class, cut in half, so that an edge or a corner alone says nothing.</summary>
    private static void PaintDistractors(
        Color[] canvas, int size, SeededRandom random, float edge, float share = 1)
    {
        int count = random.NextInt32(Difficulty.MostDistractors + 1);
        for (int i = 0; i < count; i++)
        {
            var shape = (ShapeClass)random.NextInt32(Enum.GetValues<ShapeClass>().Length);
            Pose pose = Pose.Random(random, size, 0.12f * share, 0.26f * share, MathF.PI, inside: false);
            Color color = RandomColor(random, 0.1f, 0.9f);
            float cut = random.NextSingle(-0.3f, 0.3f);
            Fill(
                canvas, size, edge, pose, (x, y) => MathF.Max(ShapeOutline.Distance(shape, x, y), y - cut),
                (_, _) => color);
        }
    }

    private static void PaintShape(
        Color[] canvas, int size, ShapeClass shape, Pose pose, Func<float, float, Color> fill, float edge) =>
        Fill(canvas, size, edge, pose, (x, y) => ShapeOutline.Distance(shape, x, y), fill);

    /// <summary>A bar across a part of the shape, away from its centre.</summary>
    private static void PaintOccluder(
        Color[] canvas, int size, SeededRandom random, Pose pose, float edge, ushort[]? labels = null)
    {
        Color color = RandomColor(random, 0.1f, 0.9f);
        float half = (float)(Difficulty.OccluderWidth * random.NextDouble() / 2) + 0.04f,
            offset = random.NextSingle(0.25f, 0.7f);
        (float sin, float cos) = MathF.SinCos(random.NextSingle(0, 2 * MathF.PI));
        Fill(
            canvas, size, edge, pose, (x, y) => MathF.Abs((x * cos) + (y * sin) - offset) - half, (_, _) => color,
            labels);
    }

    /// <summary>
    /// Blends a colour in where a distance is negative, in proportion at the edge, and only within the pose's frame.
    /// </summary>
    /// <remarks>Pixels that are covered by half or more get a label.</remarks>
    private static void Fill(
        Color[] canvas, int size, float edge, Pose pose, Func<float, float, float> distance,
        Func<float, float, Color> color, ushort[]? labels = null, ushort label = 0)
    {
        int reach = (int)MathF.Ceiling((Frame * pose.Radius) + edge);
        int left = Math.Max(0, (int)pose.CenterX - reach), right = Math.Min(size - 1, (int)pose.CenterX + reach);
        int top = Math.Max(0, (int)pose.CenterY - reach), bottom = Math.Min(size - 1, (int)pose.CenterY + reach);
        for (int row = top; row <= bottom; row++)
        {
            for (int column = left; column <= right; column++)
            {
                (float x, float y) = pose.ToShape(column + 0.5f, row + 0.5f);
                float cover = Math.Clamp(0.5f - (distance(x, y) * pose.Radius / edge), 0, 1);
                if (cover >= 0.5f && labels is not null)
                    labels[(row * size) + column] = label;
                if (cover > 0)
                    canvas[(row * size) + column] = Mix(canvas[(row * size) + column], color(x, y), cover);
            }
        }
    }

    /// <summary>A colour that differs from the background in brightness, plain, shaded or striped.</summary>
    private static Func<float, float, Color> ShapeFill(SeededRandom random, float background)
    {
        Color color = RandomColor(random, 0.05f, 0.95f);
        for (
            int attempt = 0; attempt < 100
                && MathF.Abs(Brightness(color) - background) < Difficulty.LeastContrast; attempt++)
        {
            color = RandomColor(random, 0.05f, 0.95f);
        }

        float strength = random.NextSingle(0, 0.15f), frequency = random.NextSingle(4, 9);
        return random.NextInt32(3) switch
        {
            0 => (_, _) => color,
            1 => (x, y) => Shift(color, strength * (x + y)),
            _ => (x, _) => Shift(color, strength * MathF.Sin(frequency * x)),
        };
    }

    /// <summary>Light from one side, contrast, a colour cast and noise; then bytes.</summary>
    private static PixelImage Photograph(Color[] canvas, int size, SeededRandom random)
    {
        (float sin, float cos) = MathF.SinCos(random.NextSingle(0, 2 * MathF.PI));
        float slope = random.NextSingle(0, 0.5f), contrast = random.NextSingle(0.6f, 1.1f),
            level = random.NextSingle(-0.08f, 0.08f);
        Color cast = (random.NextSingle(0.9f, 1.1f), random.NextSingle(0.9f, 1.1f), random.NextSingle(0.9f, 1.1f));
        float noise = random.NextSingle(0.01f, Difficulty.MostNoise);
        byte[] pixels = new byte[canvas.Length * PixelImage.RgbChannels];
        for (int i = 0, o = 0; i < canvas.Length; i++)
        {
            float light = 1 + (
                slope * (((((float)(i % size)) / size) - 0.5f) * cos + ((((float)(i / size)) / size) - 0.5f) * sin));
            Color color = canvas[i];
            pixels[o++] = Expose(color.R * cast.R);
            pixels[o++] = Expose(color.G * cast.G);
            pixels[o++] = Expose(color.B * cast.B);

            byte Expose(float value)
            {
                float exposed = ((value * light) - 0.5f) * contrast + 0.5f + level + (noise * Noise(random));
                return (byte)Math.Clamp((int)MathF.Round(exposed * byte.MaxValue), 0, byte.MaxValue);
            }
        }
        return PixelImage.Rgb(size, size, pixels);
    }

    /// <summary>
    /// A nearly normal number with mean 0 and variance 1: the sum of four uniform numbers from one draw.
    /// </summary>
    private static float Noise(SeededRandom random)
    {
        ulong bits = random.NextBits();
        int sum = (int)(bits & 0xFFFF) + (int)(
            (bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - (2f * ushort.MaxValue)) / (ushort.MaxValue * 0.57735f);
    }

    private static Color RandomColor(SeededRandom random, float low, float high) =>
        (random.NextSingle(low, high), random.NextSingle(low, high), random.NextSingle(low, high));

    private static float Brightness(Color color) => (0.3f * color.R) + (0.59f * color.G) + (0.11f * color.B);

    private static Color Shift(Color color, float by) => (color.R + by, color.G + by, color.B + by);

    private static Color Mix(Color a, Color b, float share) =>
        (a.R + ((b.R - a.R) * share), a.G + ((b.G - a.G) * share), a.B + ((b.B - a.B) * share));
}
