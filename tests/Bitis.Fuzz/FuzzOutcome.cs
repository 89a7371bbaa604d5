namespace Bitis.Fuzz;

/// <summary>What became of a case.</summary>
/// <param name="Target">What was fed.</param>
/// <param name="Kind">How it ended.</param>
/// <param name="Text">The message of a refusal or a fault.</param>
internal sealed record FuzzOutcome(string Target, FuzzOutcomeKind Kind, string Text);
