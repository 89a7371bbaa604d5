using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Input;

/// <summary>The options of a recipe. They override the values of a recipe file.</summary>
internal sealed class RecipeOptionSet
{
    private readonly Option<string?> _file = CommonOptions.Path(
        "--recipe", "A recipe as a JSON file; the other options change it.", "FILE");

    private readonly Option<string?> _method = CommonOptions.Parsed<string?>(
        "--method",
        $"The method: {string.Join("; ", QuantizationMethod.All.Select(InWords))}. [default: mse]",
        ParseMethod,
        "NAME");

    private readonly Option<BitWidths?> _bits = CommonOptions.Parsed<BitWidths?>(
        "--bits", "Bits of weights and activations: w8a8, w6a6, w4a8, ... [default: that of --target, or w8a8]",
            text => BitWidths.Parse(text), "BITS");

    private readonly Option<BitWidths[]?> _eachBits = CommonOptions.Parsed<BitWidths[]?>(
        "--bits",
        "Bits of weights and activations: w8a8, w6a6, w4a8, ...; several with commas. [default: that of --target, or "
        + "w8a8]",
        text => [.. text.Split(',', StringSplitOptions.TrimEntries).Distinct().Select(BitWidths.Parse)], "BITS");

    private readonly Option<TargetProcessor?> _target = CommonOptions.Parsed<TargetProcessor?>(
        "--target",
            $"The processor that the model will run on: {string.Join(", ", TargetProcessor.Names)} (this machine). "
            + "Chooses the bits, unless --bits or --recipe gives them: w7a8 without an 8-bit dot product (avx2, "
            + "avx512), else w8a8.",
            TargetProcessor.Find, "NAME");

    private readonly Option<Granularity?> _granularity = CommonOptions.Parsed<Granularity?>(
        "--granularity",
            "The granularity of activations: a scale for each tensor or for each token. [default: token for ptq4vm, "
            + "else tensor]",
            ParseGranularity, "tensor|token");

    private readonly Option<Scope?> _scope = CommonOptions.Parsed<Scope?>(
        "--scope",
            "The sites to quantize: linear (the linear layers and their inputs), ssm (also the inside of the scans), "
            + "or full (also convolutions, patch embedding and head). [default: linear]",
            text => ParseScope(text), "linear|ssm|full");

    private readonly Option<double?> _percentile = CommonOptions.Parsed<double?>(
        "--percentile", "For the method percentile: the share of values below the range's upper end. [default: 99.99]",
            ParsePercentile, "PERCENT");

    private readonly Option<double?> _alpha = CommonOptions.Parsed<double?>(
        "--alpha", "For methods that smooth: how much range moves to the weights, 0 to 1. [default: 0.5]", ParseAlpha,
            "ALPHA");

    private readonly Option<bool> _noSmoothing =
        new("--no-smoothing") { Description = "Turn smoothing off, for comparison." };

    private readonly Option<int?> _steps = CommonOptions.Parsed<int?>(
        "--steps", "For methods that learn: steps for each block; 0 for none. [default: 100]", ParseSteps, "N");

    private readonly Option<int?> _timeGroups = CommonOptions.Parsed<int?>(
        "--time-groups",
            "Inside of scans: the number of token groups with scales of their own for the hidden state. [default: 8 "
            + "for qmamba, else 1]",
            ParseTimeGroups, "N");

    private readonly Option<DecaySpacing?> _decay = CommonOptions.Parsed<DecaySpacing?>(
        "--decay",
            "Inside of scans: the spacing of the levels of discrete parameters: uniform, ltsq or log2. [default: the "
            + "method's]",
            ParseDecay, "SPREAD");

    private readonly Option<bool> _official = new("--official")
    {
        Description = "For ptq4vm: follow the authors' code where it differs from the paper (docs/ptq4vm.md).",
    };

    private readonly Option<string[]> _overrides = new("--override")
    {
        Description =
            "Other bits or another scope for layers and scans by name: '*.x_proj*=w8a8', 'layers.0.*=float', "
            + "'layers.3.*=linear', 'layers.3.*=w4a8,ssm'. Can be repeated; the first match applies.",
        HelpName = "PATTERN=BITS[,SCOPE]",
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="takesSeveralBits">Whether it takes a recipe for each of several bits.</param>
    public RecipeOptionSet(Command command, bool takesSeveralBits = false)
    {
        foreach (
            Option option in (Option[])
            [
                _method, takesSeveralBits ? _eachBits : _bits, _target, _granularity, _scope, _percentile, _alpha,
                _noSmoothing, _steps, _official, _timeGroups, _decay, _overrides, _file,
            ])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The recipe file; null if there is none.</summary>
    public string? File(ParseResult arguments) => arguments.GetValue(_file);

    /// <summary>The recipe from file and options.</summary>
    /// <exception cref="BitisException">The recipe file or an override cannot be used.</exception>
    public Recipe Read(ParseResult arguments)
    {
        Recipe recipe = File(arguments) is { } file
            ? RecipeFile.Load(file)
            : new Recipe { Bits = arguments.GetValue(_target)?.Bits ?? new Recipe().Bits };
        if (arguments.GetValue(_method) is { } method && method != recipe.Method)
            recipe = recipe.WithMethod(method);
        SiteOverride[] overrides = [.. (arguments.GetValue(_overrides) ?? []).Select(SiteOverride.Parse)];
        return WithSettings(recipe, arguments) with
        {
            Bits = arguments.GetValue(_bits) ?? recipe.Bits,
            ActivationGranularity = arguments.GetValue(_granularity) ?? recipe.ActivationGranularity,
            Scope = arguments.GetValue(_scope) ?? recipe.Scope,
            TimeGroups = arguments.GetValue(_timeGroups) ?? recipe.TimeGroups,
            Decay = arguments.GetValue(_decay) ?? recipe.Decay,
            Overrides =
            [
                .. overrides,
                .. recipe.Overrides.Where(old => Array.TrueForAll(overrides, given => given.Pattern != old.Pattern)),
            ],
        };
    }

    /// <summary>The recipe from file and options with each of the bits.</summary>
    /// <exception cref="BitisException">The recipe file or an override cannot be used.</exception>
    public IReadOnlyList<Recipe> ReadEach(ParseResult arguments)
    {
        Recipe recipe = Read(arguments);
        return arguments.GetValue(_eachBits) is { Length: > 0 } all
            ? [.. all.Select(bits => recipe with { Bits = bits })]
            : [recipe];
    }

    /// <summary>Says which bits would be faster on the target than the recipe's; null if none would.</summary>
    public string? NoteOnBits(ParseResult arguments, Recipe recipe) =>
        arguments.GetValue(_target)?.NoteOn(recipe.Bits);

    /// <summary>The recipe with the settings of options; a method refuses settings that it does not have.</summary>
    private Recipe WithSettings(Recipe recipe, ParseResult arguments)
    {
        (Option Option, string Setting, JsonNode? Value)[] given =
        [
            (_percentile, "percentile", arguments.GetValue(_percentile)),
            (_alpha, "alpha", arguments.GetValue(_alpha)),
            (_noSmoothing, "smoothing", arguments.GetValue(_noSmoothing) ? false : null),
            (_steps, "learning", arguments.GetValue(_steps) is { } steps ? new JsonObject { ["steps"] = steps } : null),
            (_official, "official", arguments.GetValue(_official) ? true : null),
        ];
        foreach ((Option option, string setting, JsonNode? value) in given)
        {
            if (value is null)
                continue;
            if (!QuantizationMethod.Find(recipe.Method).SettingNames.Contains(setting))
            {
                IEnumerable<string> takers = QuantizationMethod.All
                    .Where(method => method.SettingNames.Contains(setting))
                    .Select(method => method.Name);
                throw new BitisException(
                    $"{option.Name} does not apply to the method '{recipe.Method}': it has no setting '{setting}'. "
                    + $"These have it: {string.Join(", ", takers)}.");
            }
            recipe = recipe.WithSettings(new JsonObject { [setting] = value });
        }
        return recipe;
    }

    private static string InWords(QuantizationMethod method) => $"{method.Name} ({method.Summary})";

    private static double? Number(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;

    private static string ParseMethod(string text)
    {
        QuantizationMethod.Find(text);
        return text;
    }

    private static Granularity? ParseGranularity(string text) => text switch
    {
        "tensor" => Granularity.PerTensor,
        "token" => Granularity.PerToken,
        _ => throw new BitisException($"--granularity takes 'tensor' or 'token', not '{text}'."),
    };

    /// <summary>Reads the name of a scope.</summary>
    /// <exception cref="BitisException">There is no such scope.</exception>
    public static Scope ParseScope(string text) => text switch
    {
        "linear" => Scope.Linear,
        "ssm" => Scope.Ssm,
        "full" => Scope.Full,
        _ => throw new BitisException($"There is no scope '{text}'; the scopes are 'linear', 'ssm' and 'full'."),
    };

    private static double? ParseAlpha(string text) => Number(text)
        ?? throw new BitisException($"--alpha takes a number from 0 to 1, not '{text}'.");

    private static int? ParseSteps(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value
        : throw new BitisException($"--steps takes a whole number of at least 0, not '{text}'.");

    private static int? ParseTimeGroups(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value
        : throw new BitisException($"--time-groups takes a whole number of at least 1, not '{text}'.");

    private static DecaySpacing? ParseDecay(string text) => text switch
    {
        "uniform" => DecaySpacing.Uniform,
        "ltsq" => DecaySpacing.LongTailed,
        "log2" => DecaySpacing.Logarithmic,
        _ => throw new BitisException($"--decay takes 'uniform', 'ltsq' or 'log2', not '{text}'."),
    };

    private static double? ParsePercentile(string text) => Number(text)
        ?? throw new BitisException($"--percentile takes a number such as 99.99, not '{text}'.");
}
