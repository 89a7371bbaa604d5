using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>A float32 linear layer.</summary>
internal sealed class LinearStep(string name, ArenaMatrix x, ArenaMatrix y, PackedFloatWeights weights)
    : Step(name, weights)
{
    public override string Kind => "linear float32";

    public override int Units => x.Rows;

    public override unsafe void Run(nint arena, int start, int end) => FloatGemm.Run(
        weights, x.Pointer(arena), x.Stride, y.Pointer(arena), y.Stride, start, end, accumulate: false);
}
