using Bitis.Tensors;

namespace Bitis.Data.BuiltIn;

/// <summary>The built-in set: ten classes of shapes that are made from a seed, no files.</summary>
/// <remarks>
/// Shapes differ in pose, size, colour, lighting, blur and noise, stand before clutter and are partly hidden
/// (docs/builtin-data.md). An image depends on the seed, the split and its index only, never on what was read before.
/// </remarks>
internal sealed class BuiltInImageSource : ImageSource
{
    /// <summary>The images of the training split, unless another number is asked for.</summary>
    public const int TrainCount = 20_000;

    /// <summary>The images of the test split, unless another number is asked for.</summary>
    public const int TestCount = 2_000;

    private const int Side = 32;

    private static readonly string[] Names = [.. Enum.GetValues<ShapeClass>().Select(NameOf)];

    private readonly BuiltInSplit _split;
    private readonly int _seed;

    /// <summary>Describes the set; nothing is generated yet.</summary>
    /// <param name="split">Which part of it.</param>
    /// <param name="count">How many images; the classes take turns. 0 for the usual number.</param>
    /// <param name="seed">Another seed gives another set.</param>
    public BuiltInImageSource(BuiltInSplit split, int count = 0, int seed = 0)
    {
        if (!Enum.IsDefined(split))
            throw new ArgumentOutOfRangeException(nameof(split), split, "There is no such part.");
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        _split = split;
        _seed = seed;
        Count = count > 0 ? count : split == BuiltInSplit.Train ? TrainCount : TestCount;
    }

    /// <inheritdoc />
    public override int Count { get; }

    /// <inheritdoc />
    public override string Description => $"built-in shapes, {_split.ToString().ToLowerInvariant()}, "
        + $"{DisplayText.Count(Count, "image")} of {Side}×{Side}, {DisplayText.Count(Names.Length, "class")}, "
        + $"seed {_seed}";

    /// <inheritdoc />
    public override IReadOnlyList<string> ClassNames => Names;

    /// <inheritdoc />
    public override string Name(int index) => $"built-in {_split.ToString().ToLowerInvariant()} {index}";

    /// <inheritdoc />
    public override int? Label(int index) => index % Names.Length;

    /// <inheritdoc />
    protected override PixelImage ReadImage(int index)
    {
        ulong stream = ((ulong)_split << 32) + (ulong)index;
        var random = SeededRandom.ForPart((ulong)_seed, stream);
        return ScenePainter.Paint((ShapeClass)(index % Names.Length), Side, random);
    }

    private static string NameOf(ShapeClass shape) => shape switch
    {
        ShapeClass.FivePointedStar => "five-pointed star",
        ShapeClass.SixPointedStar => "six-pointed star",
        _ => shape.ToString().ToLowerInvariant(),
    };
}
