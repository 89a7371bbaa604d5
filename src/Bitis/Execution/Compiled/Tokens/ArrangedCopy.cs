using Bitis.Execution.Planning;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>A copy of a value with its tokens in another order.</summary>
/// <remarks>The operation that computes the value writes the copy, too.</remarks>
/// <param name="Target">The copy.</param>
/// <param name="Offsets">For each row of the value, where its row in the copy starts, in elements.</param>
/// <param name="ZeroRows">The rows of the copy that are zeros.</param>
internal sealed record ArrangedCopy(ArenaMatrix Target, NativeBuffer<int> Offsets, int[] ZeroRows)
{
    /// <summary>The copy that an arrangement of all tokens describes.</summary>
    /// <param name="arrangement">The arrangement.</param>
    /// <param name="tokens">How many tokens the value has.</param>
    /// <param name="target">The place of the copy.</param>
    public static ArrangedCopy Of(ArrangeTokens arrangement, int tokens, ArenaMatrix target) => new(
        target,
        NativeBuffer<int>.Of([.. arrangement.Inverse(tokens).Sources.Select(row => row * target.Stride)]),
        [.. Enumerable.Range(0, target.Rows).Where(row => arrangement.Sources[row] == ArrangeTokens.Zeros)]);
}
