using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Bitis.Cli;
using Bitis.Cli.Commands;
using Bitis.Cli.Output;

namespace Bitis.Tests.Cli;

/// <summary>What the command line does with the words it is given, before any model is loaded.</summary>
public sealed class UsageTests
{
    public static TheoryData<string> CommandNames => [.. Commands.Select(command => command.Name)];

    private static IEnumerable<BitisCommand> Commands =>
        CommandLine.CreateRoot(
            new CliContext { Output = TextWriter.Null, Error = TextWriter.Null }).Subcommands.Cast<BitisCommand>();

    [Fact]
    public void No_arguments_show_all_commands()
    {
        CliOutcome outcome = CliRunner.Run().AssertSucceeded();
        foreach (string command in
            (string[])["demo", "inspect", "quantize", "eval", "classify", "bench", "train", "finetune", "version"])
        {
            Assert.Contains($"  {command} ", outcome.Output);
        }
    }

    [Theory]
    [MemberData(nameof(CommandNames))]
    public void Help_shows_an_example_that_parses(string name)
    {
        CliOutcome outcome = CliRunner.Run(name, "--help").AssertSucceeded();
        string example = Commands.Single(command => command.Name == name).Example;
        Assert.Contains($"Example:{Environment.NewLine}  {example}", outcome.Output);
        Assert.Contains("--json", outcome.Output);
        string[] words = [.. example.Split(' ').Select(word => word.Trim('\''))]; // as a shell does
        Assert.Equal("bitis", words[0]);
        Assert.Empty(
            CommandLine.CreateRoot(new CliContext { Output = TextWriter.Null, Error = TextWriter.Null })
                .Parse(words[1..]).Errors);
    }

    [Theory]
    [InlineData("'frob'", "frob")]
    [InlineData("Unrecognized command or argument 'quantise'. Did you mean 'quantize'?", "quantise", "m")]
    [InlineData("'--batches'. Did you mean '--batch'?", "bench", "m", "--batches")]
    [InlineData("Did you mean '--data'?", "eval", "m", "--dat", "i")]
    [InlineData("'--frob'", "inspect", "model.pth", "--frob")]
    [InlineData("Unknown option '--frob'", "inspect", "--frob")]
    [InlineData("--output", "quantize", "model.pth", "--calibration", "images")]
    [InlineData("'w9a9' is not a bit width", "quantize", "m", "--calibration", "i", "-o", "o", "--bits", "w9a9")]
    [InlineData("minmax, percentile, mse", "quantize", "m", "--calibration", "i", "-o", "o", "--method", "best")]
    [InlineData("from 1 to 1024, not '0'", "eval", "m", "--data", "i", "--threads", "0")]
    [InlineData("from 1 to 1024, not '20000'", "bench", "m", "--threads", "20000")]
    [InlineData("from 1 to 1024, not '1025'", "demo", "--threads", "1025")]
    [InlineData("from 1 to 1024, not '20000'", "train", "--data", "d", "-o", "o", "--threads", "20000")]
    [InlineData("at least 1, not 'x'", "bench", "m", "--batch", "x")]
    [InlineData("at most 2147483647, not '99999999999'", "bench", "m", "--batch", "99999999999")]
    [InlineData("at least 0, not '-1'", "bench", "model.pth", "--seed", "-1")]
    [InlineData("'first' or 'middle'", "inspect", "m", "--class-token", "last")]
    [InlineData("avx2, avxvnni", "quantize", "m", "--calibration", "i", "-o", "o", "--target", "sse2")]
    [InlineData("'tensor' or 'token'", "quantize", "m", "--calibration", "i", "-o", "o", "--granularity", "row")]
    public void Mistakes_are_named_in_one_line_with_a_pointer_to_the_help(string words, params string[] arguments)
    {
        CliOutcome outcome = CliRunner.Run(arguments).AssertRefused(words);
        string[] lines = outcome.Error.TrimEnd().Split(Environment.NewLine);
        Assert.Equal(2, lines.Length);
        Assert.Matches("^See: bitis.* --help$", lines[1]);
    }

    /// <summary>Some commands have arguments that take any number of words, and some have none.</summary>
    [Theory]
    [InlineData("quantize", "m", "--calibration", "i", "-o", "o")]
    [InlineData("segment", "m", "i")]
    [InlineData("inspect", "m")]
    [InlineData("models")]
    public void An_option_that_a_command_lacks_is_named_alike_everywhere(params string[] words)
    {
        CliOutcome outcome = CliRunner.Run([.. words, "--device", "gpu"]);
        Assert.Equal(2, outcome.ExitCode);
        string[] lines = outcome.Error.TrimEnd().Split(Environment.NewLine);
        Assert.StartsWith("Unknown option '--device'.", lines[0], StringComparison.Ordinal);
        Assert.Equal($"See: bitis {words[0]} --help", lines[^1]);
    }

    /// <summary>Options for settings that the method does not have.</summary>
    [Theory]
    [InlineData("mse", "alpha", "--alpha", "0.5")]
    [InlineData("qmamba", "alpha", "--alpha", "0.5")]
    [InlineData("minmax", "percentile", "--percentile", "99")]
    [InlineData("mse", "smoothing", "--no-smoothing")]
    [InlineData("smoothquant", "learning", "--steps", "3")]
    [InlineData("ptq4vm+", "official", "--official")]
    public void Options_that_do_not_apply_to_the_method_are_refused(
        string method, string setting, params string[] option) => CliRunner
        .Run(["quantize", "m", "--calibration", "i", "-o", "o", "--method", method, .. option])
        .AssertRefused($"{option[0]} does not apply to the method '{method}'", $"'{setting}'", "These have it: ");

    [Fact]
    public void A_model_that_comes_with_Bitis_is_suggested() => CliRunner.Run("inspect", "vim-cifar")
        .AssertRefused("Did you mean 'vim-cifar10'?");

    [Fact]
    public void Models_are_listed_by_name()
    {
        string text = CliRunner.Run("models").AssertSucceeded().Output;
        Assert.Matches(@"\n *vim-cifar10 +Vim +[\d,.]+ (million )?", text);
        Assert.Contains("hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_76p1acc.pth", text);
        JsonElement models = CliRunner.RunJson("models");
        Assert.Equal(
            Bitis.Models.Catalogue.ShippedModels.Names,
            models.GetProperty("shipped").EnumerateArray().Select(model => model.GetProperty("name").GetString()!));
        JsonElement vim = models.GetProperty("published")[0];
        Assert.Equal(("vim-tiny", 76.1), (vim.GetProperty("name").GetString(), Number(vim, "publishedTop1")));
        Assert.InRange(Number(vim, "parameters"), 7e6, 7.3e6);
        Assert.All(
            models.GetProperty("trainable").EnumerateArray(), model => Assert.True(Number(model, "parameters") > 1e4));

        static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();
    }

    [Theory]
    [InlineData("inspect", "missing.pth")]
    [InlineData("eval", "missing.pth", "--data", ".")]
    [InlineData("classify", "missing.pth", ".")]
    [InlineData("bench", "missing.pth")]
    public void A_missing_model_is_named(params string[] arguments) =>
        CliRunner.Run(arguments).AssertRefused("missing.pth", "no such file");

    [Fact]
    public void Json_is_all_that_is_written_to_standard_output()
    {
        JsonElement version = CliRunner.RunJson("version");
        Assert.NotEmpty(version.GetProperty("instructionSets").EnumerateArray());
        Assert.Equal(Environment.ProcessorCount, version.GetProperty("processors").GetInt32());
    }

    [Fact]
    public void A_fault_of_ours_says_so_and_shows_the_stack_only_when_debugging()
    {
        using var error = new StringWriter();
        var context = new CliContext { Output = new FaultyWriter(), Error = error };
        Assert.Equal(ExitCodes.InternalFault, CommandLine.Run(["version"], context));
        Assert.Contains("fault in bitis", error.ToString());
        Assert.Contains("BITIS_DEBUG=1", error.ToString());
        Assert.DoesNotContain("   at ", error.ToString());

        Assert.Equal(ExitCodes.InternalFault, CommandLine.Run(["version"], context with { Debug = true }));
        Assert.Contains("   at ", error.ToString());
    }

    [Fact]
    public void The_process_writes_results_and_messages_to_their_own_streams()
    {
        using Process good = CliRunner.Start("version", "--json");
        CliOutcome version = CliRunner.Finish(good).AssertSucceeded();
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(version.Output).RootElement.ValueKind);
        Assert.Empty(version.Error);

        using Process bad = CliRunner.Start("frob");
        CliRunner.Finish(bad).AssertRefused("'frob'");
    }

    [Theory]
    [InlineData("BITIS_GUARD", "both", "start, end")]
    [InlineData("BITIS_ISA", "sse9", "portable, avx2")]
    [InlineData("BITIS_KERNEL", "fast", "'f32-scan-'")]
    public void Variables_that_mean_nothing_are_refused_before_the_work(string name, string value, string values)
    {
        using Process process = CliRunner.StartWith([(name, value)], "inspect", "missing.pth");
        CliOutcome outcome = CliRunner.Finish(process).AssertRefused($"{name}={value}", values);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Help_names_all_kinds_of_archives_and_of_models_that_take_other_sizes()
    {
        foreach (string command in (string[])["train", "finetune", "quantize", "eval", "classify"])
            Assert.Contains("tar archive", HelpOf(command));
        Assert.Contains("a Vim, a ViT, or a LocalVim without rotary positions", HelpOf("eval"));

        static string HelpOf(string command) =>
            string.Join(' ', CliRunner.Run(command, "--help").AssertSucceeded().Output.Split(
                default(char[]), StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Tables_are_aligned_plain_text_where_nobody_looks()
    {
        using var output = new StringWriter();
        var report = new Report(new CliContext { Output = output, Error = TextWriter.Null });
        report.Table(["name", ">count"], [["a", "1"], ["long [name]", "1000"]]);
        Assert.Equal(
            ["name         count", "a                1", "long [name]   1000", ""],
            output.ToString().ReplaceLineEndings("\n").Split('\n'));
    }

    private sealed class FaultyWriter : StringWriter
    {
        public override void WriteLine(string? value) => throw new InvalidOperationException("broken");
    }
}
