namespace Bitis.Analysis.Results;

/// <summary>The sites of a model, the most sensitive first.</summary>
/// <param name="Sites">The sites by falling score; those without one come first.</param>
/// <param name="Float">The float model's answers.</param>
/// <param name="All">What quantizing all sites does: with the recipe's bits, then with each of the other bits.</param>
/// <param name="Images">How many images were answered.</param>
/// <param name="Labeled">How many of them have a label.</param>
/// <param name="RankCorrelation">
/// Spearman's correlation between scores and exact runs, −1 to 1; null if too few sites were tried.
/// </param>
/// <param name="Exact">How many sites were also quantized alone and left alone.</param>
/// <param name="Resumed">How many of them an earlier analysis had finished.</param>
public sealed record SiteRanking(
    IReadOnlyList<SiteSensitivity> Sites,
    AnswerEffect Float,
    IReadOnlyList<AnswerEffect> All,
    int Images,
    int Labeled,
    double? RankCorrelation,
    int Exact,
    int Resumed);
