using System.CommandLine;
using System.CommandLine.Parsing;
using Bitis.Models.Vim;

namespace Bitis.Cli.Input;

/// <summary>
/// The argument and options of commands that load a model: the file, and what the file does not tell.
/// </summary>
internal sealed class ModelOptionSet
{
    private readonly Argument<string>? _model;
    private readonly Option<string?> _weightsKey = new("--weights-key")
    {
        Description = "The place of the weights in a checkpoint: a key ('model_ema'), a prefix of names ('net'), or "
            + "both joined by a dot. [default: found automatically]",
        HelpName = "KEY",
    };

    private readonly Option<int?> _imageSize = CommonOptions.OptionalNumber(
        "--image-size",
        "Height and width of the images, in pixels. Set it for a VMamba or LocalVMamba whose file does not tell it, "
        + "or to resize the position embedding of a Vim, a ViT, or a LocalVim without rotary positions.");

    private readonly Option<string?> _directions = new("--directions")
    {
        Description =
            "The scan directions of each block of a LocalVim or LocalVMamba that is not a published one: "
            + "h,v_flip,w7,w7_flip/h,h_flip,v,w2/..., or of one block for all.",
        HelpName = "LIST",
    };

    private readonly Option<int?> _stride = CommonOptions.OptionalNumber(
        "--stride", "Distance between patches, in pixels, if the file does not tell it.");

    private readonly Option<ClassTokenPosition?> _classToken = CommonOptions.Parsed<ClassTokenPosition?>(
        "--class-token", "The position of the class token: first or middle.", ParseClassToken, "PLACE");

    private readonly Option<bool> _noHalving =
        new("--no-halving") { Description = "Do not halve the sum of the two scan directions." };

    /// <summary>Adds the argument and the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="name">The argument's name in the help.</param>
    /// <param name="takesQuantized">Whether a quantized model is accepted.</param>
    public ModelOptionSet(Command command, string name, bool takesQuantized = true)
    {
        string quantized = takesQuantized ? " a quantized model (.bitis)," : "";
        _model = CommonOptions.File(
            name,
            $"A checkpoint (.pth, .safetensors, the index of several files),{quantized} a folder with one, "
            + "hf:owner/name[@revision]/file, or the name of a model that comes with Bitis.");
        command.Arguments.Add(_model);
        AddOptions(command);
    }

    /// <summary>Adds the options to a command that names its models itself.</summary>
    public ModelOptionSet(Command command) => AddOptions(command);

    /// <summary>The file or reference that the user named.</summary>
    public string Reference(ParseResult arguments) => arguments.GetRequiredValue(_model!);

    /// <summary>What the user specifies beside the file.</summary>
    public ModelOptions Options(ParseResult arguments) => new()
    {
        WeightsKey = arguments.GetValue(_weightsKey),
        ImageSize = arguments.GetValue(_imageSize),
        Directions = arguments.GetValue(_directions),
        Stride = arguments.GetValue(_stride),
        ClassToken = arguments.GetValue(_classToken),
        HalvesDirections = arguments.GetValue(_noHalving) ? false : null,
    };

    /// <summary>The options as typed, for a command line that must load the same model.</summary>
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

    private void AddOptions(Command command)
    {
        command.Options.Add(_weightsKey);
        command.Options.Add(_imageSize);
        command.Options.Add(_directions);
        command.Options.Add(_stride);
        command.Options.Add(_classToken);
        command.Options.Add(_noHalving);
    }

    private static ClassTokenPosition? ParseClassToken(string text) => text.ToLowerInvariant() switch
    {
        "first" => ClassTokenPosition.First,
        "middle" => ClassTokenPosition.Middle,
        _ => throw new BitisException($"--class-token takes 'first' or 'middle', not '{text}'."),
    };
}
