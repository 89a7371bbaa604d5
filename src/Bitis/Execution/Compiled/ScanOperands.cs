using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled;

/// <summary>The inputs and the output of a scan; all have their tokens in one order.</summary>
/// <param name="U">u, <c>[tokens, channels]</c>.</param>
/// <param name="Delta">Δ before the softplus, <c>[tokens, channels]</c>.</param>
/// <param name="B">B, <c>[tokens, states]</c>.</param>
/// <param name="C">C, <c>[tokens, states]</c>.</param>
/// <param name="Y">y, <c>[tokens, channels]</c>.</param>
internal readonly record struct ScanOperands(
    ArenaMatrix U, ArenaMatrix Delta, ArenaMatrix B, ArenaMatrix C, ArenaMatrix Y)
{
    /// <summary>The operands of another image.</summary>
    public ScanOperands OfImage(int image) =>
        new(U.OfImage(image), Delta.OfImage(image), B.OfImage(image), C.OfImage(image), Y.OfImage(image));
}
