using System.Globalization;
using Bitis.Models;
using Bitis.Models.Families;
using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;

namespace Bitis;

/// <summary>Properties of a model that a checkpoint's names and shapes do not tell.</summary>
/// <remarks>A value that is null is taken from the file or the published variant.</remarks>
public sealed record ModelOptions
{
    /// <summary>Options without any value.</summary>
    public static ModelOptions Default { get; } = new();

    /// <summary>The place of the weights inside the file; null to find it automatically.</summary>
    /// <remarks>A key (<c>model_ema</c>), a prefix of names (<c>net.backbone</c>), or both joined by a dot.</remarks>
    public string? WeightsKey { get; init; }

    /// <summary>Height and width of the images, in pixels.</summary>
    /// <remarks>
    /// Needed for a VMamba or LocalVMamba of another size than the usual one, since its tensors do not tell it. The
    /// position embedding of another model is resized to it (<see cref="VisionModel.WithImageSize"/>).
    /// </remarks>
    public int? ImageSize { get; init; }

    /// <summary>The scan directions of each block of a LocalVim or LocalVMamba, or of one block for all.</summary>
    /// <remarks>Official names, with a slash between blocks: <c>h,v_flip,w7,w7_flip/h,h_flip,v,w2/...</c>.</remarks>
    public string? Directions { get; init; }

    /// <summary>Distance between patches of a Vim, in pixels.</summary>
    public int? Stride { get; init; }

    /// <summary>The position of a Vim's class token.</summary>
    public ClassTokenPosition? ClassToken { get; init; }

    /// <summary>Whether the sum of the two directions of a Vim's block is halved.</summary>
    public bool? HalvesDirections { get; init; }

    internal const string ImageSizeOption =
        "--image-size", DirectionsOption = "--directions", StrideOption = "--stride",
        ClassTokenOption = "--class-token", HalvesDirectionsOption = "--no-halving";

    /// <summary>Checks the values.</summary>
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

    /// <summary>Checks that the options apply to the model and agree with it.</summary>
    /// <param name="file">The checkpoint's name, for messages.</param>
    /// <param name="config">The architecture.</param>
    /// <exception cref="BitisException">
    /// An option does not apply to the family, or contradicts the architecture.
    /// </exception>
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
