namespace Bitis.Data.BuiltIn;

/// <summary>
/// Generated images for demonstrations and tests: one shape of the class's kind, at a random place, size and colour,
/// over a shaded, noisy background. An image depends on the seed and its index only, never on what was read before.
/// </summary>
internal sealed class SyntheticImageSource : ImageSource
{
    private const int NoiseAmplitude = 12;

    /// <summary>Whether a point of the shape's own square, both coordinates in −1…1, belongs to the shape.</summary>
    private static readonly (string Name, Func<float, float, bool> Covers)[] Shapes =
    [
        ("disc", (u, v) => u * u + v * v < 1),
        ("square", (u, v) => MathF.Max(MathF.Abs(u), MathF.Abs(v)) < 0.85f),
        ("ring", (u, v) => u * u + v * v is > 0.35f and < 1),
        ("triangle", (u, v) => v < 0.8f && MathF.Abs(u) < (v + 1) * 0.55f),
        ("cross", (u, v) => MathF.Min(MathF.Abs(u), MathF.Abs(v)) < 0.28f),
        ("diamond", (u, v) => MathF.Abs(u) + MathF.Abs(v) < 1),
        ("horizontal stripes", (u, v) => MathF.Abs(v) % 0.5f < 0.25f),
        ("vertical stripes", (u, v) => MathF.Abs(u) % 0.5f < 0.25f),
        ("diagonal stripes", (u, v) => MathF.Abs(u + v + 2) % 0.6f < 0.3f),
        ("checkerboard", (u, v) => (u + 1) % 0.8f < 0.4f == (v + 1) % 0.8f < 0.4f),
    ];

    private readonly int _size;
    private readonly int _seed;
    private readonly string[] _classNames;

    /// <summary>Describes the set; nothing is generated yet.</summary>
    /// <param name="count">How many images there are; the classes take turns.</param>
    /// <param name="size">Width and height of each image in pixels.</param>
    /// <param name="classes">
    /// How many classes there are. Beyond ten, the shapes come again in other colour families.
    /// </param>
    /// <param name="seed">Another seed gives other images.</param>
    public SyntheticImageSource(int count, int size, int classes, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        Count = count;
        _size = size;
        _seed = seed;
        _classNames =
        [
            .. Enumerable.Range(0, classes).Select(c =>
                c < Shapes.Length ? Shapes[c].Name : $"{Shapes[c % Shapes.Length].Name} {c / Shapes.Length + 1}"),
        ];
    }

    /// <inheritdoc />
    public override int Count { get; }

    /// <inheritdoc />
    public override string Description =>
        $"generated shapes, {DisplayText.Count(Count, "image")} of {_size}×{_size}, "
            + $"{DisplayText.Count(_classNames.Length, "class")}, seed {_seed}";

    /// <inheritdoc />
    public override IReadOnlyList<string> ClassNames => _classNames;

    /// <inheritdoc />
    public override string Name(int index) => $"shape {index}";

    /// <inheritdoc />
    public override int? Label(int index) => index % _classNames.Length;

    /// <inheritdoc />
    protected override PixelImage ReadImage(int index)
    {
        int label = index % _classNames.Length;
        int family = label / Shapes.Length;
        int families = (_classNames.Length + Shapes.Length - 1) / Shapes.Length;
        Func<float, float, bool> covers = Shapes[label % Shapes.Length].Covers;

        // Odd multipliers spread neighbouring seeds and indices over the generator's whole seed space.
        var random = new Random(unchecked(_seed * 0x2545F491 + index * 0x5DEECE67 + 1));
        float radius = _size * (0.22f + 0.18f * random.NextSingle());
        float centerX = radius + (_size - 2 * radius) * random.NextSingle();
        float centerY = radius + (_size - 2 * radius) * random.NextSingle();
        (float R, float G, float B) shape = Color((family + random.NextSingle()) / families, 0.75f, 0.95f);
        (float R, float G, float B) top = Color(random.NextSingle(), 0.4f, 0.15f + 0.35f * random.NextSingle());
        (float R, float G, float B) bottom = Color(random.NextSingle(), 0.4f, 0.15f + 0.35f * random.NextSingle());

        byte[] pixels = new byte[_size * _size * PixelImage.RgbChannels];
        for (int y = 0, o = 0; y < _size; y++)
        {
            float shade = (y + 0.5f) / _size;
            for (int x = 0; x < _size; x++, o += PixelImage.RgbChannels)
            {
                float u = (x + 0.5f - centerX) / radius;
                float v = (y + 0.5f - centerY) / radius;
                bool inside = MathF.Max(MathF.Abs(u), MathF.Abs(v)) < 1 && covers(u, v);
                (float R, float G, float B) color = inside ? shape : Mix(top, bottom, shade);
                int noise = random.Next(-NoiseAmplitude, NoiseAmplitude + 1);
                pixels[o] = ToByte(color.R, noise);
                pixels[o + 1] = ToByte(color.G, noise);
                pixels[o + 2] = ToByte(color.B, noise);
            }
        }
        return PixelImage.Rgb(_size, _size, pixels);
    }

    private static byte ToByte(float value, int noise) =>
        (byte)Math.Clamp((int)(value * byte.MaxValue) + noise, 0, byte.MaxValue);

    private static (float R, float G, float B) Mix(
        (float R, float G, float B) a, (float R, float G, float B) b, float t) =>
        (a.R + (b.R - a.R) * t, a.G + (b.G - a.G) * t, a.B + (b.B - a.B) * t);

    /// <summary>A colour of the HSV wheel, everything in 0…1.</summary>
    private static (float R, float G, float B) Color(float hue, float saturation, float value)
    {
        return (Channel(5), Channel(3), Channel(1));

        float Channel(int offset)
        {
            float k = (offset + hue * 6) % 6;
            return value - value * saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1);
        }
    }
}
