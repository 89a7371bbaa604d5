namespace Bitis.Analysis.Search.Measures;

/// <summary>How good a model's answers are, beside those of the float model.</summary>
/// <param name="Score">Top-1 accuracy, or the mean IoU; 0 to 1.</param>
/// <param name="Drop">How much less that is than the float model's, in points of 100.</param>
/// <param name="SameTop1">The share of images (or pixels) with the class that the float model gives.</param>
/// <param name="Loss">How far the answers are from the float model's; small ones of parts add up.</param>
/// <param name="DropError">The standard error of the drop, over images; null if it is not known.</param>
/// <param name="ExpectedDrop">
/// What the changed answers cost on average: the share of the old class less that of the new one.
/// </param>
internal sealed record AnswerQuality(
    double Score, double Drop, double SameTop1, double Loss, double? DropError, double? ExpectedDrop)
{
    /// <summary>The values for a file.</summary>
    public IReadOnlyList<double> ToValues() => DropError is { } error && ExpectedDrop is { } expected
        ? [Score, Drop, SameTop1, Loss, error, expected]
        : [Score, Drop, SameTop1, Loss];

    /// <summary>Reads what <see cref="ToValues"/> writes; null if it is not that.</summary>
    public static AnswerQuality? FromValues(IReadOnlyList<double> values) => values switch
    {
        [var score, var drop, var same, var loss] => new AnswerQuality(score, drop, same, loss, null, null),
        [var score, var drop, var same, var loss, var error, var expected] =>
            new AnswerQuality(score, drop, same, loss, error, expected),
        _ => null,
    };
}
