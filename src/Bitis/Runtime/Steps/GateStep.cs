using System.Numerics.Tensors;
using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>The gate of a Mamba block: <c>y ← (y · factor) · SiLU(z)</c>, in place.</summary>
internal sealed class GateStep(string name, ArenaMatrix y, ArenaMatrix z, float factor) : Step(name)
{
    public override string Kind => "gate";

    public override int Units => y.Rows;

    public override unsafe void Run(nint arena, int start, int end)
    {
        float* gate = stackalloc float[ChunkLength];
        for (int row = start; row < end; row++)
        {
            for (int column = 0; column < y.Columns; column += ChunkLength)
            {
                int length = Math.Min(ChunkLength, y.Columns - column);
                Elementwise.Silu.Best.Run(z.Pointer(arena, row) + column, gate, length);
                Span<float> values = y.MemoryRow(arena, row).Slice(column, length);
                if (factor != 1)
                    TensorPrimitives.Multiply(values, factor, values);
                TensorPrimitives.Multiply(values, new ReadOnlySpan<float>(gate, length), values);
            }
        }
    }

    private const int ChunkLength = 512;
}
