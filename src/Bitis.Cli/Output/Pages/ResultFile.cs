using System.Text.Json;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Pages.Sections;

namespace Bitis.Cli.Output.Pages;

/// <summary>Reads a result that a command wrote with <c>--json</c>, or the log of a training.</summary>
internal static class ResultFile
{
    private const int MaxBytes = 64 << 20;

    private const string Expected = "a result of bitis (eval, quantize, bench, demo, analyze, compare, sensitivity or "
        + "search with --json, or log.json of a training)";

    private static readonly (string[] Members, Func<ResultNode, PageSection> Create)[] Kinds =
    [
        (["agreements", "imagesPerSecond"], EvalSection.Classes),
        (["meanIou", "pixelAccuracy", "pixels"], EvalSection.Segments),
        (["positionError", "angleError", "loss"], EvalSection.Poses),
        (["recipe", "layers", "float32Bytes"], QuantizeSection.Create),
        (["models", "calibrationImages"], ComparisonSection.Compared),
        (["models", "batch"], BenchSection.Create),
        (["rows", "float"], ComparisonSection.Demo),
        (["scans", "imageCount"], AnalyzeSection.Create),
        (["sites", "all"], SensitivitySection.Create),
        (["front", "chosen"], SearchSection.Create),
        (["identity", "epochs"], TrainingSection.Create),
    ];

    /// <summary>Reads a file.</summary>
    /// <exception cref="BitisException">It is missing, damaged or of another kind.</exception>
    public static PageSection Read(string path)
    {
        string text = BoundedText.Read(path, MaxBytes, "a result")
            ?? throw BitisException.InFile(path, $"this has more than {Format.Bytes(MaxBytes)}; {Expected} has fewer.");
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Section(new ResultNode(path, "", document.RootElement));
        }
        catch (JsonException e)
        {
            throw new BitisException(
                $"{path}: this is not JSON: see line {e.LineNumber + 1}. Give {Expected}.", e);
        }
    }

    /// <summary>The section of a result of this process.</summary>
    public static PageSection Of(object result, string source) =>
        Section(new ResultNode(source, "", JsonOutput.Element(result)));

    private static PageSection Section(ResultNode result)
    {
        foreach ((string[] members, Func<ResultNode, PageSection> create) in Kinds)
        {
            if (result.HasMembers(members))
                return create(result) with { Run = RunOf(result) };
        }
        throw BitisException.InFile(result.File, $"this JSON is none that a report can show. Give {Expected}.");
    }

    /// <summary>How a result was made; null if an older version wrote it.</summary>
    private static RunRecord? RunOf(ResultNode result) =>
        result.Has(JsonOutput.Run) && result[JsonOutput.Run] is var run ? new RunRecord(
            run.Text("command"), run.Text("version"), run.Text("runtime"), run.Text("system"),
            run.TextOrNull("processor"), (int)run.Number("processors"), run.Text("instructionSet"),
            (int?)run.NumberOrNull("threads"), run.Text("date"))
        : null;
}
