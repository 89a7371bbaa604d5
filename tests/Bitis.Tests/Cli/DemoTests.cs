using System.Text.Json;
using Bitis.Cli;

namespace Bitis.Tests.Cli;

/// <summary>A newcomer's first command, and the commands that it names.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class DemoTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_demo_tells_careful_methods_from_a_careless_one()
    {
        JsonElement json = CliRunner.RunJson("demo");
        Assert.InRange(json.GetProperty("float").GetProperty("top1").GetDouble(), 0.9, 0.98);
        Dictionary<string, JsonElement> rows = json.GetProperty("rows").EnumerateArray()
            .ToDictionary(row => $"{row.GetProperty("bits")} {row.GetProperty("scope")} {row.GetProperty("method")}");
        Assert.Equal(27, rows.Count);
        Assert.InRange(Top1("w8a8 linear minmax"), 0.9, 0.98);
        Assert.InRange(Top1("w4a4 linear minmax"), 0.1, 0.7);
        Assert.InRange(Top1("w4a4 linear mse"), 0.85, 0.98);
        Assert.InRange(Top1("w4a4 linear ptq4vm"), 0.91, 0.98);
        Assert.InRange(Top1("w4a4 linear ptq4vm+"), 0.91, 0.98);
        Assert.InRange(Top1("w8a8 ssm qmamba"), 0.91, 0.98);
        Assert.InRange(Top1("w4a4 ssm qmamba") - Top1("w4a4 ssm minmax"), 0.21, 1);
        Assert.InRange(Top1("w4a4 ssm qmamba+"), 0.75, 0.98);
        Assert.All(rows.Values, row => Assert.InRange(row.GetProperty("fileBytes").GetInt64(), 100_000, 600_000));
        Assert.All(rows.Values, row => Assert.True(row.GetProperty("latencyMs").GetDouble() > 0));

        double Top1(string row) => rows[row].GetProperty("top1").GetDouble();
    }

    [Fact]
    public void The_commands_that_the_demo_names_work()
    {
        string source = File.ReadAllText(
            Path.Combine(ReadmeTests.Root, "src", "Bitis.Cli", "Output", "Results", "Demo", "DemoResult.cs"));
        string[][] commands =
        [
            .. source.Split('\n').Where(line => line.Contains("\"  bitis ")).Select(line => line.Split('"')[1]
                .Replace("{Model}", "vim-micro-builtin").Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]),
        ];
        Assert.Equal(["inspect", "quantize", "eval", "train"], commands.Select(command => command[0]));
        foreach (string[] command in commands)
        {
            string[] words = [.. command.Select(word => word is "micro.bitis" or "run" ? _folder[word] : word)];
            if (command[0] == "train") // takes minutes
            {
                Assert.Empty(
                    CommandLine.CreateRoot(new CliContext { Output = TextWriter.Null, Error = TextWriter.Null })
                        .Parse(words).Errors);
            }
            else
            {
                CliRunner.Run(words).AssertSucceeded();
            }
        }
    }
}
