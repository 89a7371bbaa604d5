using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Rounding;

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

    [Fact]
    public void Nan_is_0_and_does_not_move_the_grid_of_the_others()
    {
        foreach (int bits in (int[])[4, 8])
        {
            foreach (int count in (int[])[3, 64, 85])
            {
                for (int at = 0; at < count; at++)
                {
                    float[] values = Sample.Floats(count, count, -3, 3), expected = [.. values];
                    (values[at], expected[at]) = (at % 2 == 0 ? float.NaN : -float.NaN, 0);
                    Assert.Equal(Roundtrip(expected, bits), Roundtrip(values, bits));
                }
            }
        }
    }

    private static float[] Roundtrip(float[] values, int bits)
    {
        using var source = new GuardedBuffer<float>(values);
        using var kept = new GuardedBuffer<byte>(sizeof(float) + (bits == 8 ? values.Length : (values.Length + 1) / 2));
        using var target = new GuardedBuffer<float>(values.Length);
        QuantizedMap.Write(source.Pointer, values.Length, bits, kept.Pointer);
        QuantizedMap.Read(kept.Pointer, values.Length, bits, target.Pointer);
        return target.Span.ToArray();
    }

    private static void Check(int count, int bits, int maxLevel)
    {
        float[] values = Sample.Floats(count, count, -3, 3);
        float largest = values.Max(Math.Abs), inverse = maxLevel / largest, scale = largest / maxLevel;
        float[] actual = Roundtrip(values, bits);
        for (int i = 0; i < count; i++)
            Assert.Equal(scale * (int)MathF.Round(values[i] * inverse), actual[i]);
    }
}
