using System.Globalization;
using Bitis.Models;
using Bitis.Models.Families;
using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;

namespace Bitis;

/// <summary>
/// What cannot be read off a checkpoint's names and shapes; anything left null comes from the published variant.
/// </summary>
public sealed record ModelOptions
{
    /// <summary>The options that decide nothing.</summary>
    public static ModelOptions Default { get; } = new();

    /// <summary>
    /// Where the weights are inside the file: a key (<c>model_ema</c>), a prefix of names (<c>net.backbone</c>), or
    /// both with a dot; found by itself if null.
    /// </summary>
    public string? WeightsKey { get; init; }

    /// <summary>
    /// Height and width of the images, in pixels: of a VMamba or LocalVMamba, whose tensors do not tell, or other ones
    /// for a model with a position embedding, which is then resized (<see cref="VisionModel.WithImageSize"/>).
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// The scan directions of each block of a LocalVim or LocalVMamba by their official names,
    /// <c>h,v_flip,w7,w7_flip/h,h_flip,v,w2/...</c>, or
    /// of one block for all.
    /// </summary>
    public string? Directions { get; init; }

    /// <summary>Distance between patches, in pixels; for Vim, as what follows.</summary>
    public int? Stride { get; init; }

    /// <summary>Where the class token is.</summary>
    public ClassTokenPosition? ClassToken { get; init; }

    /// <summary>Whether the sum of a block's two directions is halved.</summary>
    public bool? HalvesDirections { get; init; }

    internal const string ImageSizeOption =
        "--image-size", DirectionsOption = "--directions", StrideOption = "--stride",
        ClassTokenOption = "--class-token", HalvesDirectionsOption = "--no-halving";

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        if (ClassToken is { } place && !Enum.IsDefined(place))
        {
            throw new BitisException(
                $"There is no place '{place}' for a class token; expected one of "
                + $"{string.Join(", ", Enum.GetNames<ClassTokenPosition>())}.");
        }
    }

    /// <summary>Makes sure that what the user knows better is so, and means something for the model.</summary>
    /// <param name="file">The checkpoint's name, for messages.</param>
    /// <param name="config">The architecture.</param>
    /// <exception cref="BitisException">An option does not apply to the family, or contradicts the
    /// architecture.</exception>
    public void RequireAgreement(string file, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Validate();
        IReadOnlyDictionary<string, string> described = ModelFamilies.Of(config).Options(config);
        foreach ((string option, string chosen) in Chosen(described))
        {
            if (!described.TryGetValue(option, out string? value))
            {
                throw BitisException.InFile(
                    file, $"{option} does not apply to a {config.Family}; leave the option out.");
            }
            if (chosen != value && option == ImageSizeOption && config.FixedSizeReason is { } reason)
            {
                throw BitisException.InFile(
                    file, $"{option} cannot be {chosen}: the model takes {value}, and {reason}; leave the option out.");
            }
            if (chosen != value)
            {
                throw BitisException.InFile(
                    file,
                        $"{option} contradicts the file, which says how the model was made ({value}); leave the "
                        + "option out.");
            }
        }
    }

    /// <summary>A value as <see cref="RequireAgreement"/> compares it.</summary>
    internal static string Text<T>(T value)
        where T : notnull => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    /// <summary>The directions of all blocks, as <see cref="RequireAgreement"/> compares them.</summary>
    internal static string Text(IReadOnlyList<string> directions) => string.Join('/', directions);

    private IEnumerable<(string Option, string Value)> Chosen(IReadOnlyDictionary<string, string> described)
    {
        if (ImageSize is { } size)
            yield return (ImageSizeOption, Text(size));
        if (Stride is { } stride)
            yield return (StrideOption, Text(stride));
        if (ClassToken is { } place)
            yield return (ClassTokenOption, Text(place));
        if (HalvesDirections is { } halves)
            yield return (HalvesDirectionsOption, Text(halves));
        if (Directions is { } directions)
        {
            bool applies = described.TryGetValue(DirectionsOption, out string? all);
            yield return (
                DirectionsOption,
                applies ? Text(ScanDirection.ParseAll(directions, all!.Split('/').Length)) : directions);
        }
    }
}
