using System.CommandLine;
using Bitis.Quantization;

namespace Bitis.Cli.Input;

/// <summary>The options that make a recipe. Those that are given change the recipe file's values, if there is a file.</summary>
internal sealed class RecipeOptionSet
{
    private readonly Option<string?> _file = CommonOptions.Path(
        "--recipe", "A recipe as a JSON file; the other options change it.", "FILE");

    private readonly Option<string?> _method = CommonOptions.Parsed<string?>(
        "--method", $"The method: {string.Join(", ", QuantizationMethods.Names)}. [default: mse]", ParseMethod, "NAME");

    private readonly Option<BitWidths?> _bits = CommonOptions.Parsed<BitWidths?>(
        "--bits", "Bits of weights and activations: w8a8, w6a6, w4a8, ... [default: w8a8]", text => BitWidths.Parse(text), "BITS");

    private readonly Option<Granularity?> _granularity = CommonOptions.Parsed<Granularity?>(
        "--granularity", "Whether activations have a scale for each tensor or each token. [default: tensor]", ParseGranularity, "tensor|token");

    private readonly Option<Scope?> _scope = CommonOptions.Parsed<Scope?>(
        "--scope", "What is quantized: linear (the linear layers and their inputs). [default: linear]", ParseScope, "SCOPE");

    private readonly Option<double?> _percentile = CommonOptions.Parsed<double?>(
        "--percentile", "For the method percentile: the share of values below the range's upper end. [default: 99.99]", ParsePercentile, "PERCENT");

    private readonly Option<string[]> _overrides = new("--override")
    {
        Description = "Other bits for layers by name, as PATTERN=BITS: '*.x_proj*=w8a8', 'layers.0.*=float'. May be repeated; the first match decides.",
        HelpName = "PATTERN=BITS",
    };

    /// <summary>Adds the options to a command.</summary>
    public RecipeOptionSet(Command command)
    {
        foreach (Option option in (Option[])[_method, _bits, _granularity, _scope, _percentile, _overrides, _file])
            command.Options.Add(option);
    }

    /// <summary>The recipe that the user described.</summary>
    /// <exception cref="BitisException">The recipe file or an override cannot be used.</exception>
    public Recipe Read(ParseResult arguments)
    {
        Recipe recipe = arguments.GetValue(_file) is { } file ? RecipeFile.Load(file) : new Recipe();
        SiteOverride[] overrides = [.. (arguments.GetValue(_overrides) ?? []).Select(SiteOverride.Parse)];
        return recipe with
        {
            Method = arguments.GetValue(_method) ?? recipe.Method,
            Bits = arguments.GetValue(_bits) ?? recipe.Bits,
            ActivationGranularity = arguments.GetValue(_granularity) ?? recipe.ActivationGranularity,
            Scope = arguments.GetValue(_scope) ?? recipe.Scope,
            Percentile = arguments.GetValue(_percentile) ?? recipe.Percentile,
            Overrides = [.. overrides, .. recipe.Overrides],
        };
    }

    private static string ParseMethod(string text)
    {
        QuantizationMethods.Create(new Recipe { Method = text });
        return text;
    }

    private static Granularity? ParseGranularity(string text) => text switch
    {
        "tensor" => Granularity.PerTensor,
        "token" => Granularity.PerToken,
        _ => throw new BitisException($"--granularity takes 'tensor' or 'token', not '{text}'."),
    };

    private static Scope? ParseScope(string text) => text == "linear"
        ? Scope.Linear
        : throw new BitisException($"There is no scope '{text}'; this version has 'linear'.");

    private static double? ParsePercentile(string text) => double.TryParse(text, out double value)
        ? value
        : throw new BitisException($"--percentile takes a number such as 99.99, not '{text}'.");
}
