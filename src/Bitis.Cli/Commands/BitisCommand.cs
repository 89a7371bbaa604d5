using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Data;

namespace Bitis.Cli.Commands;

/// <summary>A command of <c>bitis</c>: computes a result, which is then written as text or JSON.</summary>
internal abstract class BitisCommand : Command
{
    private readonly Option<bool> _json = CommonOptions.Json();
    private readonly List<string> _warnings = [];

    /// <summary>Describes the command.</summary>
    /// <param name="name">What the user types.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="example">A complete command line, for the help.</param>
    /// <param name="context">Where it runs.</param>
    protected BitisCommand(string name, string description, string example, CliContext context)
        : base(name, description)
    {
        Example = example;
        Context = context;
        Options.Add(_json);
        SetAction(Execute);
    }

    /// <summary>A complete command line, for the help.</summary>
    public string Example { get; }

    /// <summary>Where the command runs.</summary>
    protected CliContext Context { get; }

    /// <summary>Does the work.</summary>
    /// <param name="arguments">What the user typed; without errors.</param>
    /// <param name="progress">Hears how far the work has come.</param>
    /// <exception cref="BitisException">The user's input cannot be used.</exception>
    protected abstract ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress);

    /// <summary>Tells the user something that is not the result, once the progress display is gone.</summary>
    protected void Warn(string message) => _warnings.Add(message);

    /// <summary>Opens images, and warns of what was left out.</summary>
    /// <exception cref="BitisException">There are none, or they cannot be opened.</exception>
    protected ImageSource OpenImages(string path)
    {
        ImageSource source = ImageSource.Open(path);
        foreach (string notice in source.Notices)
            Warn(notice);
        return source;
    }

    private int Execute(ParseResult arguments)
    {
        BitisEnvironment.Validate();
        ICommandResult result;
        try
        {
            result = ProgressDisplay.Run(Context, progress => Run(arguments, progress));
        }
        finally
        {
            foreach (string warning in _warnings)
                Context.WriteMessage($"Warning: {DisplayText.Of(warning, DisplayText.MessageLength)}");
        }
        if (arguments.GetValue(_json))
            JsonOutput.Write(Context.Output, result);
        else
            result.Describe(new Report(Context));
        return ExitCodes.Success;
    }
}
