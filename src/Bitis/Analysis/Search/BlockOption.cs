namespace Bitis.Analysis.Search;

/// <summary>What a choice does in one block.</summary>
/// <param name="Cost">Its milliseconds or bytes.</param>
/// <param name="Loss">What it does to the answers with all other blocks in float32.</param>
internal readonly record struct BlockOption(double Cost, double Loss);
