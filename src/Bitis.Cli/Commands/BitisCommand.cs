using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Data;

namespace Bitis.Cli.Commands;

/// <summary>A command of <c>bitis</c>: it computes a result, which is then written as text or JSON.</summary>
internal abstract class BitisCommand : Command
{
    /// <summary>The number of images that are named on standard error; the others are counted.</summary>
    private const int NamedImages = 3;

    private readonly Option<bool> _json = CommonOptions.Json();
    private readonly List<string> _warnings = [];

    /// <summary>Notices about models, shown only with a result.</summary>
    private readonly HashSet<string> _notices = [];

    /// <summary>Creates the command.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="example">A complete command line for the help.</param>
    /// <param name="context">The command's context.</param>
    protected BitisCommand(string name, string description, string example, CliContext context)
        : base(name, description)
    {
        Example = example;
        Context = context;
        Options.Add(_json);
        SetAction(Execute);
    }

    /// <summary>A complete command line for the help.</summary>
    public string Example { get; }

    /// <summary>The command's context.</summary>
    protected CliContext Context { get; }

    /// <summary>Computes the result.</summary>
    /// <param name="arguments">The parsed command line, without errors.</param>
    /// <param name="progress">Receives the progress of the work.</param>
    /// <exception cref="BitisException">The user's input cannot be used.</exception>
    protected abstract ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress);

    /// <summary>Adds a warning, shown after the progress display ends.</summary>
    protected void Warn(string message) => _warnings.Add(message);

    /// <summary>Warns of files left out when images were opened.</summary>
    internal void WarnOfLeftOut(ImageSource images)
    {
        foreach (string notice in images.Notices)
            Warn(notice);
    }

    /// <summary>Names the first images that are left out because they cannot be decoded.</summary>
    internal void WarnOfSkipped(IReadOnlyList<BadImage> images) =>
        WarnOfImages([.. images.Select(image => $"left out: {image.Reason}")], "left out, too");

    /// <summary>Names the first images that are damaged and were used all the same.</summary>
    protected void WarnOfDamaged(ImageSource? images) => WarnOfImages(images?.Warnings ?? [], "damaged, too");

    private void WarnOfImages(IReadOnlyList<string> messages, string others)
    {
        foreach (string message in messages.Take(NamedImages))
            Warn(message);
        int more = messages.Count - NamedImages;
        if (more > 0)
            Warn($"{DisplayText.Count(more, "more image")} {(more == 1 ? "is" : "are")} {others}.");
    }

    /// <summary>Loads a model, and collects notices about how its file was read.</summary>
    /// <exception cref="BitisException">The model cannot be used, or contradicts the options.</exception>
    protected LoadedModel LoadModel(string reference, ModelOptions options, IProgress<WorkProgress> progress) =>
        LoadModels([reference], options, progress)[0];

    /// <summary>As <see cref="LoadModel"/>, for models that share options; null is skipped.</summary>
    protected IReadOnlyList<LoadedModel> LoadModels(
        IEnumerable<string?> references, ModelOptions options, IProgress<WorkProgress> progress)
    {
        IReadOnlyList<LoadedModel> models =
            LoadedModel.LoadAll(references, options, progress, Context.Cancellation);
        _notices.UnionWith(models.SelectMany(model => model.Notices));
        return models;
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
            WriteWarnings(_warnings);
        }
        WriteWarnings(_notices);
        if (arguments.GetValue(_json))
            JsonOutput.Write(Context.Output, result, RunRecord.Of(arguments));
        else
            result.Describe(new Report(Context));
        return result.ExitCode;
    }

    private void WriteWarnings(IEnumerable<string> warnings)
    {
        foreach (string warning in warnings)
            Context.WriteMessage($"Warning: {DisplayText.Of(warning, DisplayText.MessageLength)}");
    }
}
