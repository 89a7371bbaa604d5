using Bitis.Execution.Planning;
using Bitis.Kernels.Gemm;

namespace Bitis.Execution.Compiled;

/// <summary>
/// Computes a float32 linear layer. Threads share the panels of its weights, or its rows if panels are few.
/// </summary>
internal sealed class CompiledLinear(string name, ArenaMatrix x, ArenaMatrix y, PackedFloatWeights weights)
    : CompiledOperation(name, weights)
{
    private const int FewPanels = 4;

    public override string Kind => "linear float32";

    public override int Units => weights.PanelCount > FewPanels ? weights.PanelCount : x.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        if (weights.PanelCount > FewPanels)
        {
            FloatGemm.RunPanels(weights, x.Pointer(arena), x.Stride, y.Pointer(arena), y.Stride, x.Rows, start, end);
        }
        else
        {
            FloatGemm.Run(
                weights, x.Pointer(arena), x.Stride, y.Pointer(arena), y.Stride, start, end, accumulate: false);
        }
    }
}
