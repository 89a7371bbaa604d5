using Bitis.Analysis.Results;

namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>The result of <c>bitis sensitivity</c>: sites, the most sensitive first.</summary>
internal sealed record SensitivityResult(
    string Model,
    string Family,
    Recipe Recipe,
    string Calibration,
    int CalibrationImages,
    string? Data,
    long Images,
    long Labeled,
    string? ClassMatch,
    double? FloatTop1,
    double? FloatMeanIou,
    AnswerEffect All,
    IReadOnlyList<WidthEffect> Widths,
    IReadOnlyList<SiteSensitivity> Sites,
    double? RankCorrelation,
    int Exact,
    int Resumed,
    double Seconds) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
        [
            ("model", $"{Model} ({Family})"),
            ("recipe", string.Join("; ", Widths.Select(one => InWords.Of(Recipe with { Bits = one.Bits })))),
            ("calibration", $"{CalibrationImages} of {Calibration}"),
            ("images", $"{Data ?? "those of the calibration"}; {Images} answered"),
            ("classes", ClassMatch),
            ("top-1 in float32", FloatTop1 is null ? null : Format.Percent(FloatTop1)),
            ("mIoU in float32", FloatMeanIou is null ? null : Format.Percent(FloatMeanIou)),
            .. Widths.Select(one => (
                Widths.Count == 1 ? "all sites quantized" : $"all sites in {one.Bits}", (string?)Words(one.All))),
            (
                "rank correlation",
                RankCorrelation is { } rho
                    ? $"{rho:0.00} between the score and the noise of the logits, over {Exact} exact runs"
                    : null),
            ("resumed", Resumed == 0 ? null : $"{DisplayText.Count(Resumed, "site")} of an earlier run"),
            ("time", Format.Duration(TimeSpan.FromSeconds(Seconds))),
        ]);
        report.Line();
        report.Table(
            [
                "site", ">bits", ">score", ">SNR dB", ">alone: dB", ">alone: same", ">left alone: dB",
                ">left alone: same",
            ],
            Sites.Select(site => (string[])
            [
                site.Site, $"{site.Bits}", site.Score is { } score ? $"{score:0.00E+0}" : "", Decibels(site.SnrDb),
                site.Alone is null ? "" : Decibels(site.Alone.LogitSnrDb),
                site.Alone is null ? "" : Format.Percent(site.Alone.SameTop1),
                site.LeftAlone is null ? "" : Decibels(site.LeftAlone.LogitSnrDb),
                site.LeftAlone is null ? "" : Format.Percent(site.LeftAlone.SameTop1),
            ]));
    }

    private static string Words(AnswerEffect effect) =>
        $"{Decibels(effect.LogitSnrDb)} dB at the logits, {Format.Percent(effect.SameTop1)} as float32"
        + (effect.Top1 is null ? "" : $", top-1 {Format.Percent(effect.Top1)}")
        + (effect.MeanIou is null ? "" : $", mIoU {Format.Percent(effect.MeanIou)}");

    private static string Decibels(double? value) => value is { } number ? $"{number:0.0}" : "exact";
}
