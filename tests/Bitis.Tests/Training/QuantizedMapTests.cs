using Bitis.Tests.Kernels;
using Bitis.Training.Gradients;

namespace Bitis.Tests.Training;

public sealed unsafe class QuantizedMapTests
{
    [Fact]
    public void Values_come_back_on_their_grid_at_every_length()
    {
        foreach (int count in Enumerable.Range(1, 140).Concat([1023, 1024, 1025, 3000]))
        {
            Check(count, bits: 8, maxLevel: 127);
            Check(count, bits: 4, maxLevel: 7);
        }
    }

    private static void Check(int count, int bits, int maxLevel)
    {
        float[] values = Sample.Floats(count, count, -3, 3);
        float largest = values.Max(Math.Abs), inverse = maxLevel / largest, scale = largest / maxLevel;
        using var source = new GuardedBuffer<float>(values);
        using var kept = new GuardedBuffer<byte>(sizeof(float) + (bits == 8 ? count : (count + 1) / 2));
        using var target = new GuardedBuffer<float>(count);
        QuantizedMap.Write(source.Pointer, count, bits, kept.Pointer);
        QuantizedMap.Read(kept.Pointer, count, bits, target.Pointer);
        for (int i = 0; i < count; i++)
            Assert.Equal(scale * (int)MathF.Round(values[i] * inverse), target.Span[i]);
    }
}
