using Bitis.Evaluation;

namespace Bitis.Cli.Output.Parts;

/// <summary>How well a model's answers agree with those of another.</summary>
/// <param name="With">What it was compared with: <c>baseline</c>, <c>simulation</c>.</param>
/// <param name="Top1">The share of images with the same first answer, 0 to 1.</param>
/// <param name="MeanLogitError">The mean relative error of the logits.</param>
/// <param name="MaxLogitError">The largest relative error of an image's logits.</param>
internal sealed record AgreementReport(string With, double Top1, double MeanLogitError, double MaxLogitError)
{
    public static AgreementReport Of(string with, Agreement agreement) =>
        new(with, agreement.Top1, agreement.MeanLogitError, agreement.MaxLogitError);

    /// <summary>In a line.</summary>
    public string Describe() =>
        $"{Format.Percent(Top1)} same top-1; logits differ by {Describe(MeanLogitError)} on average, "
        + $"{Describe(MaxLogitError)} at most";

    /// <summary>A relative error; those of rounding are far below a hundredth of a percent.</summary>
    private static string Describe(double error) =>
        error is > 0 and < 1e-4 ? $"{100 * error:0.0e+0} %" : Format.Percent(error);
}
