using Bitis.Analysis.Results;

namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>What a recipe does to the answers with one of several bits.</summary>
/// <param name="Bits">The recipe's bits.</param>
/// <param name="All">What all of its sites together do.</param>
internal sealed record WidthEffect(BitWidths Bits, AnswerEffect All);
