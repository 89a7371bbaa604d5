using System.Diagnostics;
using Bitis.Tests.Cli;

namespace Bitis.Tests.Quantization;

/// <summary>
/// The sample of a method and an estimator from outside. Registering is for a whole process, so it has one of its own.
/// </summary>
public sealed class CustomMethodTests
{
    private static readonly string Sample = Path.Combine(ReadmeTests.Root, "samples", "CustomMethod");

    [Fact]
    public void The_sample_quantizes_saves_loads_and_runs()
    {
        using var folder = new TempFolder();
        string file = folder["model.bitis"];
        CliOutcome outcome = Run(file).AssertSucceeded();
        string[] lines = outcome.Output.TrimEnd().Split(Environment.NewLine);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("minmax, w4a4: ", lines[0], StringComparison.Ordinal);
        Assert.Contains("SigmaRange { Sigmas = 5 }", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("sigma-learned, w4a4: ", lines[1], StringComparison.Ordinal);
        Assert.Contains("SigmaSettings { Sigmas = 3.5, Alpha = 0.5, Steps = 5 }", lines[1], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.InRange(int.Parse(line.Split(": ")[1].Split(' ')[0]), 160, 200));

        // Nobody has registered the method in this process.
        string message = Assert.Throws<BitisException>(() => QuantizedModel.Load(file)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains("no method 'sigma-learned'", message, StringComparison.Ordinal);
        Assert.Contains("registered first", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_guide_shows_the_code_of_the_sample()
    {
        string guide = File.ReadAllText(Path.Combine(ReadmeTests.Root, "docs", "custom-methods.md"));
        string sample = string.Join('\n', Directory.GetFiles(Sample, "*.cs").Select(File.ReadAllText));
        string[] blocks = [.. guide.Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0])];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.Contains(block, sample, StringComparison.Ordinal));
    }

    private static CliOutcome Run(string file)
    {
        using Process process = CliRunner.StartProgram("CustomMethod.dll", environment: [], file);
        return CliRunner.Finish(process);
    }
}
