using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis inspect</c>: what is in a model file.</summary>
internal sealed class InspectCommand : BitisCommand
{
    private readonly ModelOptionSet _model;
    private readonly Option<bool> _tensors = new("--tensors") { Description = "Also list all tensors." };
    private readonly Option<bool> _nodes = new("--nodes") { Description = "Also list the operators; overrides of a recipe name them." };

    /// <summary>Creates the command.</summary>
    public InspectCommand(CliContext context)
        : base("inspect", "Shows what a model file holds.", "bitis inspect vim_t.pth --tensors", context)
    {
        _model = new ModelOptionSet(this, "FILE");
        Options.Add(_tensors);
        Options.Add(_nodes);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress) => throw new NotSupportedException();
}
