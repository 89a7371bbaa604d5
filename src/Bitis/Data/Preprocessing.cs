using Bitis.Data;
using Bitis.Data.Resampling;

namespace Bitis;

/// <summary>How pixels become a model's input: resize, crop of the centre, normalization.</summary>
/// <remarks>
/// The shorter side is resized to a given length, and a square is cut from the centre. Values are scaled to 0…1, then
/// the mean is subtracted and the result divided by the standard deviation. Sizes, rounding and the order of float
/// operations are those of torchvision on Pillow images.
/// </remarks>
/// <param name="ResizeShorterSide">The length of the shorter side after the resize, in pixels.</param>
/// <param name="CropSize">
/// The side of the square that is cut from the centre; at most <paramref name="ResizeShorterSide"/>.
/// </param>
/// <param name="Mean">The mean that is subtracted, by channel.</param>
/// <param name="Std">The standard deviation that divides the result, by channel.</param>
/// <param name="Interpolation">The filter of the resize.</param>
public sealed record Preprocessing(
    int ResizeShorterSide,
    int CropSize,
    ChannelValues Mean,
    ChannelValues Std,
    Interpolation Interpolation = Interpolation.Bicubic)
{
    /// <summary>The share of the resized image that the published ImageNet evaluations keep.</summary>
    private const double ImageNetCropRatio = 0.875;

    /// <summary>Images for smaller inputs are not cropped, as usual for sets of small images.</summary>
    private const int SmallestCroppedSize = 128;

    /// <summary>The largest side of an image, so that a damaged file cannot cause huge allocations.</summary>
    private const int MaxSide = 16_384;

    /// <summary>The mean of ImageNet's training images.</summary>
    public static ChannelValues ImageNetMean { get; } = new(0.485f, 0.456f, 0.406f);

    /// <summary>The standard deviation of ImageNet's training images.</summary>
    public static ChannelValues ImageNetStd { get; } = new(0.229f, 0.224f, 0.225f);

    /// <summary>The mean and the standard deviation for models without colours.</summary>
    private const float Centre = 0.5f;

    /// <summary>The number of channels of the model's input.</summary>
    public int Channels => Mean.Count;

    /// <summary>The evaluation of published ImageNet models: shorter side 256, bicubic, centre 224.</summary>
    public static Preprocessing ImageNet224 { get; } = ForSize(224);

    /// <summary>The usual preprocessing of a model with square inputs of <paramref name="size"/>.</summary>
    /// <remarks>
    /// From 128 pixels on, it is the ImageNet evaluation. Smaller models, such as CIFAR's with 32, see the whole
    /// shorter side. Colours have ImageNet's mean and deviation. Other images have 0.5 for both, which makes pixels -1
    /// to 1.
    /// </remarks>
    /// <param name="size">The side of the input, in pixels.</param>
    /// <param name="channels">The input's channels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public static Preprocessing ForSize(int size, int channels = PixelImage.RgbChannels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        int shorterSide = size < SmallestCroppedSize ? size : (int)(size / ImageNetCropRatio);
        if (channels == PixelImage.RgbChannels)
            return new Preprocessing(shorterSide, size, ImageNetMean, ImageNetStd);
        var centre = new ChannelValues([.. Enumerable.Repeat(Centre, channels)]);
        return new Preprocessing(shorterSide, size, centre, centre);
    }

    /// <summary>The same preprocessing for inputs of another size, with the same share of the image cropped.</summary>
    /// <param name="size">The side of the input, in pixels.</param>
    public Preprocessing Resized(int size) => this with
    {
        ResizeShorterSide = Math.Max(size, (int)((double)ResizeShorterSide * size / CropSize)),
        CropSize = size,
    };

    /// <summary>Checks the values. Call it on anything read from a file.</summary>
    /// <exception cref="BitisException">A size, a deviation or the filter is out of range.</exception>
    public void Validate()
    {
        if (CropSize <= 0 || ResizeShorterSide < CropSize || ResizeShorterSide > MaxSide)
        {
            throw new BitisException(
                $"Preprocessing: a resize to {ResizeShorterSide} and a crop of {CropSize} do not fit; "
                + $"0 < crop ≤ resize ≤ {MaxSide} was expected.");
        }
        if (!Enum.IsDefined(Interpolation))
            throw new BitisException($"Preprocessing: {Interpolation} is not a known interpolation.");
        if (Mean.Count == 0 || Mean.Count != Std.Count)
        {
            throw new BitisException($"Preprocessing: there are {Mean.Count} means and {Std.Count} deviations; "
                + "expected one of each for every channel.");
        }
        for (int c = 0; c < Channels; c++)
        {
            bool isPossible = float.IsFinite(Mean[c]) && float.IsFinite(Std[c]) && Std[c] > 0
                && float.IsFinite((0 - Mean[c]) / Std[c]) && float.IsFinite((1 - Mean[c]) / Std[c]);
            if (!isPossible)
            {
                throw new BitisException(
                    $"Preprocessing: channel {c} has mean {Mean[c]} and standard deviation {Std[c]}; "
                    + "finite values and a positive deviation were expected, and finite pixels by them.");
            }
        }
    }

    /// <summary>The resized and cropped image, <see cref="CropSize"/> pixels wide and high.</summary>
    public PixelImage ResizeAndCrop(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Width == CropSize && image.Height == CropSize && ResizeShorterSide == CropSize)
            return image;
        int shorter = Math.Min(image.Width, image.Height);
        return Resampler.Resize(image, AxisWeights(image.Width, shorter), AxisWeights(image.Height, shorter));
    }

    /// <summary>The model's input for one image, <c>[Channels, CropSize, CropSize]</c>.</summary>
    /// <exception cref="BitisException">The image's channels cannot be converted to the model's.</exception>
    public FloatTensor Apply(PixelImage image)
    {
        FloatTensor tensor = FloatTensor.Uninitialized([Channels, CropSize, CropSize]);
        Apply(image, tensor.Span);
        return tensor;
    }

    /// <summary>
    /// Writes the model's input for one image to <paramref name="chw"/>, <c>[Channels, CropSize, CropSize]</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public void Apply(PixelImage image, Span<float> chw)
    {
        int channels = Channels;
        if (chw.Length != (long)channels * CropSize * CropSize)
        {
            throw new ArgumentException(
                $"{chw.Length} values do not hold [{channels}, {CropSize}, {CropSize}].", nameof(chw));
        }
        ArgumentNullException.ThrowIfNull(image);
        int plane = CropSize * CropSize;
        ReadOnlySpan<byte> pixels = ResizeAndCrop(image.WithChannels(channels)).Pixels;
        Span<float> normalized = stackalloc float[byte.MaxValue + 1];
        for (int c = 0; c < channels; c++)
        {
            for (int value = 0; value < normalized.Length; value++)
                normalized[value] = (value / 255f - Mean[c]) / Std[c];
            Span<float> channel = chw.Slice(c * plane, plane);
            for (int i = 0; i < channel.Length; i++)
                channel[i] = normalized[pixels[i * channels + c]];
        }
    }

    /// <summary>The weights for the crop along one axis.</summary>
    /// <remarks>As in torchvision, the longer side is truncated, and halves are rounded to even.</remarks>
    private ResampleWeights AxisWeights(int size, int shorterSide)
    {
        long resized = (long)((double)((long)ResizeShorterSide * size) / shorterSide);
        long start = (long)Math.Round((resized - CropSize) / 2.0, MidpointRounding.ToEven);
        return new ResampleWeights(size, resized, start, CropSize, Interpolation);
    }
}
