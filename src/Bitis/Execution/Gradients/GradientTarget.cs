using Bitis.Execution.Planning;

namespace Bitis.Execution.Gradients;

/// <summary>The memory to which an operation writes the gradient of one of its inputs.</summary>
/// <param name="Matrix">The memory.</param>
/// <param name="Accumulate">Whether to add to the memory, because another user of the value has written it.</param>
internal readonly record struct GradientTarget(ArenaMatrix Matrix, bool Accumulate);
