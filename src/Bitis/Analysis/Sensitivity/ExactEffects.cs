using Bitis.Analysis.Results;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The exact runs of a site.</summary>
/// <param name="Alone">It alone is quantized.</param>
/// <param name="LeftAlone">All others are.</param>
internal sealed record ExactEffects(AnswerEffect Alone, AnswerEffect LeftAlone);
