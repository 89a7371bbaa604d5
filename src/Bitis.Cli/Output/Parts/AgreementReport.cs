using Bitis.Evaluation;

namespace Bitis.Cli.Output.Parts;

/// <summary>The agreement of a model with another one.</summary>
/// <param name="With">The other model: <c>baseline</c>, <c>simulation</c>.</param>
/// <param name="Top1">The share of images with the same top-1 class, 0 to 1.</param>
/// <param name="MeanLogitError">The mean relative error of the logits.</param>
/// <param name="MaxLogitError">The largest relative error of an image's logits.</param>
internal sealed record AgreementReport(string With, double Top1, double MeanLogitError, double MaxLogitError)
{
    public static AgreementReport Of(string with, Agreement agreement) =>
        new(with, agreement.Top1, agreement.MeanLogitError, agreement.MaxLogitError);

    /// <summary>The report in one line.</summary>
    public string Describe() =>
        $"{Format.Percent(Top1)} same top-1; logits {DescribeErrors(MeanLogitError, MaxLogitError)}";

    /// <summary>Relative errors in words.</summary>
    public static string DescribeErrors(double mean, double max) =>
        $"differ by {Describe(mean)} on average, {Describe(max)} at most";

    /// <summary>Formats a relative error, with more digits for small ones, as those of rounding are.</summary>
    private static string Describe(double error) =>
        error is > 0 and < 1e-4 ? $"{100 * error:0.0e+0} %" : Format.Percent(error);
}
