namespace Bitis.Tests.Cli;

/// <summary>What a command line did.</summary>
internal sealed record CliOutcome(int ExitCode, string Output, string Error)
{
    /// <summary>
    /// Checks that the command refused its input: exit code 2, no result, and a message with these words.
    /// </summary>
    public CliOutcome AssertRefused(params string[] words)
    {
        Assert.True(ExitCode == 2, $"exit code {ExitCode}: {Error}");
        Assert.Empty(Output);
        foreach (string word in words)
            Assert.Contains(word, Error, StringComparison.Ordinal);
        return this;
    }

    /// <summary>Checks that the command succeeded.</summary>
    public CliOutcome AssertSucceeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        return this;
    }
}
