using System.Diagnostics;

namespace Bitis.Tests.Cli;

/// <summary>Scripts that complete words in shells.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <remarks>The script runs in bash, with a function in place of the installed command.</remarks>
    [LinuxFact]
    public void Bash_completes_commands_and_options()
    {
        Assert.Equal("quantize", Complete("bitis qu"));
        Assert.Equal("--method", Complete("bitis quantize model.pth --met"));
        Assert.Equal("inspect", Complete("bitis ins"));
        Assert.Equal("", Complete("bitis frob"));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public void Scripts_begin_with_where_to_put_them(string shell)
    {
        string script = CliRunner.Run("completion", shell).AssertSucceeded().Output;
        Assert.Matches($"^# .*bitis completion {shell}", script);
        Assert.Contains("[suggest:", script);
    }

    [Fact]
    public void Other_shells_are_refused() => CliRunner.Run("completion", "tcsh").AssertRefused("'tcsh'", "'fish'");

    private string Complete(string line)
    {
        string script = _folder.WriteText("bitis.bash", CliRunner.Run("completion", "bash").AssertSucceeded().Output);
        string cli = typeof(Bitis.Cli.CommandLine).Assembly.Location;
        string[] words = line.Split(' ');
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(
            $"bitis() {{ dotnet '{cli}' \"$@\"; }}; source '{script}'; COMP_LINE='{line}'; COMP_POINT={line.Length}; "
            + $"COMP_WORDS=({line}); COMP_CWORD={words.Length - 1}; _bitis; echo \"${{COMPREPLY[*]}}\"");
        using Process bash = Process.Start(start)!;
        string completed = bash.StandardOutput.ReadToEnd().TrimEnd();
        bash.WaitForExit();
        return completed;
    }
}
