using Bitis.Cli.Input;
using Bitis.Cli.Output.Parts;
using Bitis.Evaluation;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis eval</c>. Shares are 0 to 1, and null if they need missing labels.</summary>
internal sealed record EvalReport(
    string Model,
    string Kind,
    string Data,
    string? ClassMatch,
    long Images,
    long Labeled,
    long Skipped,
    double? Top1,
    double? Top5,
    IReadOnlyList<AgreementReport> Agreements,
    double ImagesPerSecond,
    string Device,
    int Threads,
    IReadOnlyList<ClassReport>? Classes,
    IReadOnlyList<ConfusionReport>? Confusions) : ICommandResult
{
    private const int ShownConfusions = 10;

    /// <summary>Creates the report of an evaluation.</summary>
    public static EvalReport Of(
        LoadedModel model,
        string data,
        EvaluationResult result,
        long skipped,
        IReadOnlyList<string> references,
        InferenceSession session,
        bool withConfusions)
    {
        ClassMap classes = result.Classes!;
        return new EvalReport(
            model.Reference,
            model.KindIn(session.Floats),
            data,
            classes.Summary,
            result.Images,
            result.Labeled,
            skipped,
            result.Top1,
            result.Top5,
            [.. references.Zip(result.Agreements, AgreementReport.Of)],
            result.ImagesPerSecond,
            session.Device,
            session.Threads,
            withConfusions ? [.. result.Confusions.Classes.Select(Report)] : null,
            withConfusions ? [.. result.Confusions.MostFrequent(int.MaxValue).Select(ReportConfusion)] : null);

        ClassReport Report(ClassAccuracy c) => new(c.Class, classes.NameOf(c.Class), c.Images, c.Top1);

        ConfusionReport ReportConfusion(Confusion c) =>
            new(classes.NameOf(c.Label), classes.NameOf(c.Predicted), c.Images);
    }

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
        [
            ("model", $"{Model} ({Kind})"),
            (
                "images",
                Labeled == Images
                    ? $"{Data}; {Images} evaluated"
                    : $"{Data}; {Images} evaluated, {Labeled} with labels"),
            ("left out", Format.Undecodable(Skipped)),
            ("classes", ClassMatch),
            ("top-1", Format.Accuracy(Top1)),
            ("top-5", Format.Accuracy(Top5)),
            .. Agreements.Select(agreement => ($"agreement with {agreement.With}", (string?)agreement.Describe())),
            ("speed", $"{ImagesPerSecond:0.0} images/s on {Format.Place(Device, Threads)} (model only)"),
        ]);
        if (Classes is not { Count: > 0 } || Confusions is null)
            return;
        report.Line();
        report.Table(
            ["class", ">images", ">top-1"],
            Classes.Select(c => (string[])[c.Name, $"{c.Images}", Format.Percent(c.Top1)]));
        if (Confusions.Count == 0)
            return;
        report.Line();
        report.Table(
            ["shows", "taken for", ">images"],
            Confusions.Take(ShownConfusions).Select(c => (string[])[c.Label, c.Predicted, $"{c.Images}"]));
    }
}
