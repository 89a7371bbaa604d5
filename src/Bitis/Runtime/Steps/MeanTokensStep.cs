using System.Numerics.Tensors;

namespace Bitis.Runtime.Steps;

/// <summary>The mean over the tokens.</summary>
internal sealed class MeanTokensStep(string name, ArenaMatrix x, ArenaMatrix y) : Step(name)
{
    public override string Kind => "mean";

    public override int Units => 1;

    public override void Run(nint arena, int start, int end)
    {
        Span<float> mean = y.MemoryRow(arena, 0);
        x.MemoryRow(arena, 0).CopyTo(mean);
        for (int row = 1; row < x.Rows; row++)
            TensorPrimitives.Add<float>(mean, x.MemoryRow(arena, row), mean);
        TensorPrimitives.Multiply(mean, 1f / x.Rows, mean);
    }
}
