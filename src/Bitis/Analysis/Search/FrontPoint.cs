namespace Bitis.Analysis.Search;

/// <summary>A point of a predicted front.</summary>
/// <param name="Cost">The sum of the costs.</param>
/// <param name="Loss">The sum of the losses.</param>
/// <param name="Choices">The index of each part's option.</param>
internal sealed record FrontPoint(double Cost, double Loss, int[] Choices);
