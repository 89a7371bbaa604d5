using Bitis.Tensors;

namespace Bitis.Data.BuiltIn;

/// <summary>The built-in set: ten classes of shapes, generated from a seed.</summary>
/// <remarks>
/// Shapes differ in pose, size, colour, lighting, blur and noise. They stand before clutter and are partly hidden
/// (docs/builtin-data.md). An image depends only on the seed, the split and its index.
/// </remarks>
internal sealed class BuiltInImageSource : ImageSource
{
    /// <summary>The default number of images of the training split.</summary>
    public const int TrainCount = 20_000;

    /// <summary>The default number of images of the test split.</summary>
    public const int TestCount = 2_000;

    private const int Side = 32;

    private static readonly string[] Names = [.. Enum.GetValues<ShapeClass>().Select(NameOf)];

    /// <summary>The names of the shapes, by class.</summary>
    internal static IReadOnlyList<string> ShapeNames => Names;

    private readonly BuiltInSplit _split;
    private readonly int _seed;

    /// <summary>Creates the source without generating images.</summary>
    /// <param name="split">The part of the set.</param>
    /// <param name="count">How many images, with the classes in turn; 0 for the default.</param>
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
    internal override bool HasPoses => true;

    /// <inheritdoc />
    protected override PixelImage ReadImage(int index) => ReadWithPose(index).Image;

    /// <inheritdoc />
    internal override (PixelImage Image, ShapePose Pose) ReadWithPose(int index)
    {
        ulong stream = ((ulong)_split << 32) + (ulong)index;
        var random = SeededRandom.ForPart((ulong)_seed, stream);
        var shape = (ShapeClass)(index % Names.Length);
        (PixelImage image, Pose pose) = ScenePainter.Paint(shape, Side, random);
        bool isSymmetric = shape is not (ShapeClass.Crescent or ShapeClass.Arc); // these open to one side
        return (image, new ShapePose(pose.CenterX, pose.CenterY, pose.Radius, pose.Angle, isSymmetric));
    }

    private static string NameOf(ShapeClass shape) => shape switch
    {
        ShapeClass.FivePointedStar => "five-pointed star",
        ShapeClass.SixPointedStar => "six-pointed star",
        _ => shape.ToString().ToLowerInvariant(),
    };
}
