namespace Bitis.Analysis.Search;

/// <summary>What a choice does in one part.</summary>
/// <param name="Cost">Its milliseconds or bytes.</param>
/// <param name="Loss">What it does to the answers with all other parts in float32.</param>
internal readonly record struct PartOption(double Cost, double Loss);
