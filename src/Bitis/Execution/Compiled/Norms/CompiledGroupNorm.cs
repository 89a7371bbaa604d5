using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Compiled.Norms;

/// <summary>Group normalization over all tokens, in place where the input is the output.</summary>
/// <param name="name">The node.</param>
/// <param name="norm">The operator.</param>
/// <param name="x">The input, <c>[tokens, channels]</c>.</param>
/// <param name="y">The output.</param>
/// <param name="statistics">Room for the groups' statistics, <c>[2, channels]</c>.</param>
/// <param name="weight"><c>[channels]</c></param>
/// <param name="bias"><c>[channels]</c></param>
internal sealed class CompiledGroupNorm(
    string name, GroupNorm norm, ArenaMatrix x, ArenaMatrix y, ArenaMatrix statistics, FloatTensor weight,
    FloatTensor bias) : CompiledOperation(name)
{
    public override string Kind => "norm";

    // Threads do not share this: a group's statistics are sums over all tokens. It takes far less time than the
    // convolutions around it.
    public override int Units => 1;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        GroupNormalization.Run(GroupNormOperation.Call(arena, norm, x, y, statistics, weight, bias));
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
    }
}
