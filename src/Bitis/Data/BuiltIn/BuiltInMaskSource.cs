using Bitis.Data.LabelMaps;
using Bitis.Tensors;

namespace Bitis.Data.BuiltIn;

/// <summary>The built-in set with a class for each pixel: several shapes in each image.</summary>
/// <remarks>
/// Images are generated from a seed. An image depends only on the seed, the split and its index (docs/builtin-data.md).
/// </remarks>
internal sealed class BuiltInMaskSource : ImageSource
{
    /// <summary>The default number of images of the training split.</summary>
    public const int TrainCount = 10_000;

    /// <summary>The default number of images of the test split.</summary>
    public const int TestCount = 1_000;

    /// <summary>Height and width of an image, in pixels.</summary>
    internal const int Side = 64;

    // The random numbers of the other built-in set are below.
    private const ulong FirstStream = 16;

    private static readonly string[] Names = ["background", .. BuiltInImageSource.ShapeNames];

    private readonly BuiltInSplit _split;
    private readonly int _seed;

    /// <summary>Creates the source without generating images.</summary>
    /// <param name="split">The part of the set.</param>
    /// <param name="count">How many images; 0 for the default.</param>
    /// <param name="seed">Another seed gives another set.</param>
    public BuiltInMaskSource(BuiltInSplit split, int count = 0, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        (_split, _seed) = (split, seed);
        Count = count > 0 ? count : split == BuiltInSplit.Train ? TrainCount : TestCount;
    }

    /// <inheritdoc />
    public override int Count { get; }

    /// <inheritdoc />
    public override string Description => $"built-in masks, {_split.ToString().ToLowerInvariant()}, "
        + $"{DisplayText.Count(Count, "image")} of {Side}×{Side}, {DisplayText.Count(Names.Length, "class")}, "
        + $"seed {_seed}";

    /// <inheritdoc />
    public override IReadOnlyList<string> ClassNames => Names;

    /// <inheritdoc />
    internal override bool HasPixelLabels => true;

    /// <inheritdoc />
    public override string Name(int index) => $"built-in masks {_split.ToString().ToLowerInvariant()} {index}";

    /// <inheritdoc />
    public override int? Label(int index) => null;

    /// <inheritdoc />
    internal override (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index)
    {
        ulong stream = ((FirstStream + (ulong)_split) << 32) + (ulong)index;
        var random = SeededRandom.ForPart((ulong)_seed, stream);
        return ScenePainter.PaintSeveral((ShapeClass)(index % BuiltInImageSource.ShapeNames.Count), Side, random);
    }

    /// <inheritdoc />
    protected override PixelImage ReadImage(int index) => ReadWithPixelLabels(index).Image;
}
