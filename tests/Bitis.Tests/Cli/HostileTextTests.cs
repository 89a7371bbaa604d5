using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Cli;
using Bitis.Cli.Output;
using Bitis.Tests.Checkpoints;

namespace Bitis.Tests.Cli;

/// <summary>
/// Names from strangers' files, in whatever command: no control character reaches the terminal, and no flood.
/// </summary>
public sealed class HostileTextTests : IDisposable
{
    /// <summary>
    /// The title of a window, an erased screen, another order, colours in the words of the table's library, a new line.
    /// </summary>
    private const string Hostile =
        "\u001b]0;owned\u0007\u001b[2J\u202egpj\u200b\u2066[red]x[/]\u009b1m\u2028\r\nWarning: all is well";

    private const int Bound = 200_000, HugeName = 20_000_000;

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tensor_names_and_notes_are_escaped_and_cut()
    {
        string file = Model(
            [Hostile, "huge" + new string('n', HugeName)],
            new() { [Hostile] = Hostile, ["note"] = new string('m', 1_000_000) });
        foreach (string[] command in
            (string[][])[["inspect", file], ["inspect", file, "--tensors"], ["inspect", file, "--nodes"]])
        {
            CliOutcome outcome = Harmless(command).AssertSucceeded();
            Assert.Contains(@"\u001b]0;owned\u0007", outcome.Output);
            Assert.Contains("[red]x[/]", outcome.Output);
            Assert.DoesNotContain(
                outcome.Output.Split('\n'), line => line.StartsWith("Warning", StringComparison.Ordinal));
        }
        Harmless("bench", file);
        Harmless("quantize", file, "--calibration", "missing", "-o", _folder["x.bitis"]);
    }

    [Fact]
    public void A_million_left_over_tensors_are_counted_and_json_has_all()
    {
        string file = Model(Enumerable.Range(0, 3000).Select(i => $"extra.{i}"));
        CliOutcome outcome = Harmless("inspect", file).AssertSucceeded();
        Assert.Contains("and 2900 more (--json has all)", outcome.Output);
        Assert.Equal(3000, CliRunner.RunJson("inspect", file).GetProperty("unexpectedTensors").GetArrayLength());
    }

    [Fact]
    public void Json_keeps_names_whole_and_escaped()
    {
        string huge = "huge" + new string('n', 1_000_000), file = Model([Hostile, huge]);
        CliOutcome outcome = CliRunner.Run("inspect", file, "--json").AssertSucceeded();
        AssertNoControls(outcome.Output);
        string[] names =
        [
            .. JsonDocument.Parse(outcome.Output).RootElement.GetProperty("unexpectedTensors").EnumerateArray().Select(
                name => name.GetString()!),
        ];
        Assert.Equal(((string[])[Hostile, huge]).Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_in_pickles_are_escaped_and_cut()
    {
        foreach (string name in (string[])["\u001b]0;owned\u0007", new string('n', 100_000)])
        {
            var dictionary = new Dictionary<string, object?> { [name] = new PickleBuilder().Global("os", name) };
            byte[] pickle = PickleBuilder.Of(dictionary);
            string refusal = name.Length < 100 ? "refuses the file for" : "a Python name has 100002 characters";
            foreach (byte[] bytes in (byte[][])[TorchFiles.Zip(pickle), TorchFiles.Legacy(pickle), pickle])
                Harmless("inspect", Write("evil.pth", bytes)).AssertRefused(refusal);
            Harmless(
                "inspect",
                Write(
                    "evil.pth",
                    TorchFiles.Zip(
                        PickleBuilder.Of(
                            new Dictionary<string, object?> { [name] = new Dictionary<string, object?>() }))));
            Harmless("inspect", Checkpoint, "--weights-key", name);
        }
    }

    [Fact]
    public void Text_of_files_that_are_no_models_is_escaped()
    {
        Harmless("inspect", Write("text.pth", Encoding.UTF8.GetBytes(Hostile))).AssertRefused();
        Harmless(
            "inspect",
            Write(
                "bad.safetensors",
                Safetensors($$$"""{"{{{JsonEncodedText.Encode(Hostile)}}}":"""
                    + $$$"""{"dtype":"{{{JsonEncodedText.Encode(Hostile)}}}"}}"""))).AssertRefused();
        foreach (string recipe in
            (string[])[
                "\u001b[2J",
                """{ "\u001b[2J\u202e": 1 }""",
                """{ "method": "\u001b[2J\u202e" }""",
                """{ "overrides": [ { "pattern": "\u001b[2J", "bits": "\u001b[2J" } ] }"""])
        {
            Harmless(
                "quantize", Checkpoint, "--calibration", "x", "-o", _folder["y"], "--recipe",
                _folder.WriteText("recipe.json", recipe)).AssertRefused();
        }

        Harmless(
            "train", "--data", "x", "-o", _folder["y"], "--recipe",
            _folder.WriteText("recipe.json", """{ "model": "\u001b[2J\u202e" }""")).AssertRefused();
    }

    [Fact]
    public void Class_names_and_file_names_are_escaped_and_cut()
    {
        string images = _folder.WriteImages("images", 20, 10);
        string name = OperatingSystem.IsWindows() ? "[red]x" : "\u001b[2J[red]x\n\u202e";
        Directory.Move(Directory.GetDirectories(images)[0], Path.Combine(images, name));
        string classes = _folder.WriteText(
            "classes.txt",
            string.Join(
                '\n', Enumerable.Range(0, 10).Select(i => $"{i}\u001b[2J\u202e[red]" + new string('c', 1_000_000))));
        CliOutcome outcome = Harmless("classify", Checkpoint, images, "--classes", classes).AssertSucceeded();
        Assert.Contains(@"\u001b[2J\u202e[red]ccc", outcome.Output);
        Harmless("eval", Checkpoint, "--data", images, "--confusion").AssertSucceeded();
        string broken = Path.Combine(images, name, $"{name}.png");
        File.WriteAllText(broken, "no image\u001b[2J");
        Harmless("classify", Checkpoint, broken).AssertRefused("not an image");
        Harmless("inspect", Path.Combine(images, name + "missing")).AssertRefused();
        Harmless("quantize", Checkpoint, "--calibration", images, "-o", Path.Combine(_folder.Path, name, "x"))
            .AssertRefused();
        Harmless("frob" + name).AssertRefused();
        Harmless("inspect", "hf:owner/name/" + name).AssertRefused();
    }

    [Fact]
    public void Labels_of_a_training_are_escaped_in_its_models()
    {
        string images = _folder.WriteImages("images", 6, 2), run = _folder["run"];
        if (!OperatingSystem.IsWindows())
            Directory.Move(Directory.GetDirectories(images)[0], Path.Combine(images, "\u001b[2J\u202e[red]"));
        Harmless("train", "--model", "vim-micro", "--epochs", "1", "--batch", "2", "--data", images, "-o", run)
            .AssertSucceeded();
        Harmless("inspect", Path.Combine(run, "final.safetensors")).AssertSucceeded();
        Harmless("eval", Path.Combine(run, "final.safetensors"), "--data", images, "--confusion").AssertSucceeded();
    }

    [Fact]
    public void Names_in_figures_are_harmless_xml()
    {
        var chart = new SvgChart(Hostile, "<x>", "y\0");
        chart.Add(Hostile + "\ud800", [(0, 1), (1, 2)]);
        string picture = chart.Render();
        AssertNoControls(picture);
        Assert.Contains(@"\u001b]0;owned", XDocument.Parse(picture).Root!.Value);
    }

    [Fact]
    public void Coloured_reports_hold_no_control_characters_but_their_own()
    {
        using var output = new StringWriter();
        CliContext context = new CliContext
        {
            Output = output,
            Error = TextWriter.Null,
            OutputIsTerminal = false,
        }.WithEscaping();
        var report = new Report(context);
        report.Line(Hostile);
        report.Fields((Hostile, Hostile));
        report.Table(["name", ">" + Hostile], [[Hostile, new string('n', HugeName)]]);
        context.Output.Write('\u001b');
        context.Output.Write(Hostile.ToCharArray(), 0, Hostile.Length);
        context.Output.WriteLine();
        AssertNoControls(output.ToString());
        Assert.InRange(output.ToString().Length, 1, 5000);
    }

    /// <summary>Runs a command and checks everything that it writes.</summary>
    private static CliOutcome Harmless(params string[] arguments)
    {
        CliOutcome outcome = CliRunner.Run(arguments);
        Assert.DoesNotContain("fault in bitis", outcome.Error);
        AssertNoControls(outcome.Output);
        AssertNoControls(outcome.Error);
        Assert.InRange(outcome.Output.Length + outcome.Error.Length, 1, Bound);
        return outcome;
    }

    private static void AssertNoControls(string text) => Assert.Equal(DisplayText.Escape(text, keepLines: true), text);

    private string Write(string name, byte[] contents)
    {
        File.WriteAllBytes(_folder[name], contents);
        return _folder[name];
    }

    /// <summary>The micro model with further tensors and metadata.</summary>
    private string Model(IEnumerable<string> extra, Dictionary<string, string>? metadata = null)
    {
        string file = _folder["model.safetensors"];
        using Checkpoint original = Bitis.Checkpoints.Checkpoint.Open(Checkpoint);
        SafetensorsTensor[] tensors =
        [
            .. original.Entries.Select(
                entry => new SafetensorsTensor(entry.Name, entry.DType, entry.Shape, original.ReadBytes(entry.Name))),
            .. extra.Select(name => new SafetensorsTensor(name, DType.Float32, [0], Array.Empty<byte>())),
        ];
        SafetensorsWriter.Write(file, tensors, metadata);
        return file;
    }

    private static byte[] Safetensors(string header)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json];
    }
}
