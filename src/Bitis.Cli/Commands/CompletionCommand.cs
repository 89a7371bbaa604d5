using System.CommandLine;
using Bitis.Cli.Output.Results;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis completion</c>: prints a script with which a shell completes commands and options.</summary>
internal sealed class CompletionCommand : BitisCommand
{
    /// <remarks>
    /// Each script hands what is typed behind <c>bitis</c>, and the place of the cursor, to the parser's directive
    /// <c>[suggest]</c>. Without an answer, the shell completes file names.
    /// </remarks>
    private static readonly IReadOnlyDictionary<string, string> Scripts = new Dictionary<string, string>
    {
        ["bash"] = """
            # Add to ~/.bashrc: source <(bitis completion bash)
            _bitis() {
                local typed="${COMP_LINE:0:COMP_POINT}" IFS=$'\n'
                typed="${typed#* }"
                COMPREPLY=($(compgen -W "$(bitis "[suggest:${#typed}]" "$typed" 2>/dev/null | grep -v '^/')" \
                    -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _bitis bitis
            """,
        ["zsh"] = """
            # Add to ~/.zshrc, behind compinit: source <(bitis completion zsh)
            _bitis() {
                local typed="${BUFFER[1,CURSOR]}"
                typed="${typed#* }"
                local -a words=("${(@f)$(bitis "[suggest:${#typed}]" "$typed" 2>/dev/null | grep -v '^/')}")
                compadd -- $words || _files
            }
            compdef _bitis bitis
            """,
        ["fish"] = """
            # Save it: bitis completion fish > ~/.config/fish/completions/bitis.fish
            function __bitis_complete
                set -l typed (string replace -r '^\S+\s+' '' -- (commandline -cp))
                bitis "[suggest:"(string length -- $typed)"]" $typed 2>/dev/null | string match -v '/*'
            end
            complete -c bitis -a '(__bitis_complete)'
            """,
        ["powershell"] = """
            # Add to $PROFILE: bitis completion powershell | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName bitis -ScriptBlock {
                param($word, $syntax, $cursor)
                $typed = $syntax.ToString() -replace '^\S+\s*', ''
                if ($word -eq '' -and $typed -ne '') { $typed += ' ' }
                bitis "[suggest:$($typed.Length)]" $typed 2>$null |
                    Where-Object { $_ -like "$word*" -and $_ -notlike '/*' } |
                    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }
            """,
    };

    private readonly Argument<string> _shell = new("SHELL")
    {
        Description = $"The shell: {string.Join(", ", Scripts.Keys)}.",
    };

    /// <summary>Creates the command.</summary>
    public CompletionCommand(CliContext context)
        : base(
            "completion",
            "Prints a script with which a shell completes commands and options; its first line says where to put it.",
            "bitis completion bash",
            context)
    {
        _shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Arguments.Add(_shell);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string shell = arguments.GetRequiredValue(_shell);
        return new CompletionResult(shell, Scripts[shell]);
    }
}
