using System.CommandLine;
using System.CommandLine.Parsing;
using Bitis.Models.Vim;

namespace Bitis.Cli.Input;

/// <summary>What every command that loads a model takes: the file, and what cannot be read off it.</summary>
internal sealed class ModelOptionSet
{
    private readonly Argument<string> _model;
    private readonly Option<string?> _weightsKey = new("--weights-key")
    {
        Description = "Where the weights are inside a checkpoint: a key ('model_ema'), a prefix of names ('net'), "
            + "or both with a dot; found by itself if not given.",
        HelpName = "KEY",
    };

    private readonly Option<int?> _imageSize = CommonOptions.OptionalNumber(
        "--image-size",
        "Height and width of the images, in pixels: of a VMamba or LocalVMamba whose file does not say, "
        + "or other ones for a Vim, a ViT, or a LocalVim without rotary positions, "
        + "whose position embedding is then resized.");

    private readonly Option<string?> _directions = new("--directions")
    {
        Description =
            "The scan directions of each block of a LocalVim or LocalVMamba, where it is no published one: "
            + "h,v_flip,w7,w7_flip/h,h_flip,v,w2/..., "
            + "or of one block for all.",
        HelpName = "LIST",
    };

    private readonly Option<int?> _stride = CommonOptions.OptionalNumber(
        "--stride", "Distance between patches, in pixels, where it cannot be read off the file.");

    private readonly Option<ClassTokenPosition?> _classToken = CommonOptions.Parsed<ClassTokenPosition?>(
        "--class-token", "Where the class token is: first or middle.", ParseClassToken, "PLACE");

    private readonly Option<bool> _noHalving =
        new("--no-halving") { Description = "The sum of the two scan directions is not halved." };

    /// <summary>Adds the argument and the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="name">What its help calls the argument.</param>
    /// <param name="takesQuantized">Whether a quantized model will do.</param>
    public ModelOptionSet(Command command, string name, bool takesQuantized = true)
    {
        string quantized = takesQuantized ? " a quantized model (.bitis)," : "";
        _model = CommonOptions.File(
            name,
            $"A checkpoint (.pth, .safetensors, the index of several files),{quantized} a folder with one, "
            + "hf:owner/name[@revision]/file, or the name of a model that comes with Bitis.");
        command.Arguments.Add(_model);
        command.Options.Add(_weightsKey);
        command.Options.Add(_imageSize);
        command.Options.Add(_directions);
        command.Options.Add(_stride);
        command.Options.Add(_classToken);
        command.Options.Add(_noHalving);
    }

    /// <summary>The file or reference that the user named.</summary>
    public string Reference(ParseResult arguments) => arguments.GetRequiredValue(_model);

    /// <summary>What the user knows better than the file.</summary>
    public ModelOptions Options(ParseResult arguments) => new()
    {
        WeightsKey = arguments.GetValue(_weightsKey),
        ImageSize = arguments.GetValue(_imageSize),
        Directions = arguments.GetValue(_directions),
        Stride = arguments.GetValue(_stride),
        ClassToken = arguments.GetValue(_classToken),
        HalvesDirections = arguments.GetValue(_noHalving) ? false : null,
    };

    /// <summary>The options as the user typed them, for a command that has to load the same model.</summary>
    public IEnumerable<string> Given(ParseResult arguments)
    {
        Option[] options = [_weightsKey, _imageSize, _directions, _stride, _classToken, _noHalving];
        foreach (Option option in options)
        {
            if (arguments.GetResult(option) is not { Implicit: false } given)
                continue;
            yield return option.Name;
            foreach (Token value in given.Tokens)
                yield return value.Value;
        }
    }

    private static ClassTokenPosition? ParseClassToken(string text) => text.ToLowerInvariant() switch
    {
        "first" => ClassTokenPosition.First,
        "middle" => ClassTokenPosition.Middle,
        _ => throw new BitisException($"--class-token takes 'first' or 'middle', not '{text}'."),
    };
}
