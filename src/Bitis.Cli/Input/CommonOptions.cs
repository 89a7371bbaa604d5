using System.CommandLine;
using System.CommandLine.Parsing;
using Bitis.Kernels.Dispatch;

namespace Bitis.Cli.Input;

/// <summary>Options and arguments that several commands share.</summary>
internal static class CommonOptions
{
    /// <summary>The start of the message about an unknown option.</summary>
    public const string UnknownOption = "Unknown option";

    public static Option<bool> Json() =>
        new("--json") { Description = "Write the result as JSON to standard output, and nothing else." };

    public static Option<int?> Threads() =>
        Parsed<int?>("--threads", "How many threads compute; by default one for each processor.", ParseThreads, "N");

    /// <summary>As <see cref="Threads()"/>, with another description and default.</summary>
    public static Option<int> Threads(string description, int otherwise)
    {
        Option<int> option = Parsed("--threads", description, text => ParseThreads(text)!.Value, "N");
        option.DefaultValueFactory = _ => otherwise;
        return option;
    }

    /// <summary>Says what a long command would do.</summary>
    public static Option<bool> DryRun() =>
        new("--dry-run") { Description = "Only say what would be done, with memory and time." };

    public static Option<int> Seed() => Number("--seed", "The seed of random numbers.", 0, minimum: 0);

    /// <summary>A whole number of at least <paramref name="minimum"/>; the help shows its default.</summary>
    public static Option<int> Number(string name, string description, int otherwise, int minimum)
    {
        Option<int> option = Parsed(name, description, text => ParseNumber(name, text, minimum), "N");
        option.DefaultValueFactory = _ => otherwise;
        return option;
    }

    /// <summary>An optional positive whole number.</summary>
    public static Option<int?> OptionalNumber(string name, string description) =>
        Parsed<int?>(name, description, text => ParseNumber(name, text, minimum: 1), "N");

    /// <summary>An option parsed by a function that throws a <see cref="BitisException"/>.</summary>
    public static Option<T> Parsed<T>(string name, string description, Func<string, T> parse, string valueName) =>
        new(name)
        {
            Description = description,
            HelpName = valueName,
            CustomParser = result => Read(result, parse),
            Arity = ArgumentArity.ExactlyOne,
        };

    /// <summary>An option that takes a path.</summary>
    public static Option<string?> Path(string name, string description, string valueName) => new(name)
    {
        Description = description,
        HelpName = valueName,
        CustomParser = result =>
            Read(
                result,
                text => text.Length > 0 ? text : throw new BitisException($"{name} is empty; it takes a path.")),
    };

    /// <summary>A required option that takes a path.</summary>
    public static Option<string?> RequiredPath(string name, string description, string valueName)
    {
        Option<string?> option = Path(name, description, valueName);
        option.Required = true;
        return option;
    }

    /// <summary>An argument that takes a file; a mistyped option is refused.</summary>
    public static Argument<string> File(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(RefuseOptions);
        return argument;
    }

    /// <summary>As <see cref="File"/>, for one or more of them.</summary>
    public static Argument<string[]> Files(string name, string description)
    {
        var argument = new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.OneOrMore };
        argument.Validators.Add(RefuseOptions);
        return argument;
    }

    private static int ParseNumber(string name, string text, int minimum) =>
        int.TryParse(text, out int value) && value >= minimum
        ? value
        : throw new BitisException(text.Length > 9 && text.All(char.IsAsciiDigit)
            ? $"{name} takes a whole number of at most {int.MaxValue}, not '{text}'."
            : $"{name} takes a whole number of at least {minimum}, not '{text}'.");

    private static int? ParseThreads(string text) =>
        int.TryParse(text, out int value) && value is >= 1 and <= ThreadCount.Limit
        ? value
        : throw new BitisException($"--threads takes a whole number from 1 to {ThreadCount.Limit}, not '{text}'.");

    private static T? Read<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (BitisException e)
        {
            result.AddError(e.Message);
            return default;
        }
    }

    private static void RefuseOptions(ArgumentResult result)
    {
        foreach (Token token in result.Tokens)
        {
            if (token.Value.Length > 1 && token.Value.StartsWith('-'))
                result.AddError($"{UnknownOption} '{token.Value}'.");
            else if (token.Value.Length == 0)
                result.AddError($"{result.Argument.Name} is empty; it takes a path.");
        }
    }
}
