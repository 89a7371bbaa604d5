using Bitis.Kernels.Activations;

namespace Bitis.Tests.Kernels;

public sealed unsafe class PositiveMaskTests
{
    [Fact]
    public void Every_form_marks_what_is_more_than_zero_at_every_length()
    {
        for (int length = 0; length <= 70; length++)
        {
            float[] x = Sample.Floats(length, length);
            for (int i = 0; i < length; i += 5)
                x[i] = i % 2 == 0 ? 0f : -0f;
            foreach (PositiveMaskKernel kernel in PositiveMask.Table.Runnable)
            {
                using var values = new GuardedBuffer<float>(x);
                using var mask = new GuardedBuffer<ushort>(PositiveMask.Words(length));
                mask.Span.Fill(ushort.MaxValue);
                kernel.Write(values.Pointer, mask.Pointer, length);
                for (int i = 0; i < mask.Length * PositiveMask.WordValues; i++)
                    Assert.Equal(i < length && x[i] > 0, (mask.Span[i / 16] >> (i % 16) & 1) != 0);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_form_lets_the_marked_values_through(bool accumulate)
    {
        for (int length = 0; length <= 70; length++)
        {
            float[] x = Sample.Floats(length, length), y = Sample.Floats(length + 1, length), before = Sample.Floats(length + 2, length);
            foreach (PositiveMaskKernel kernel in PositiveMask.Table.Runnable)
            {
                using GuardedBuffer<float> values = new(x), gradient = new(y), target = new(before);
                using var mask = new GuardedBuffer<ushort>(PositiveMask.Words(length));
                kernel.Write(values.Pointer, mask.Pointer, length);
                kernel.Apply(gradient.Pointer, mask.Pointer, target.Pointer, length, accumulate);
                for (int i = 0; i < length; i++)
                    Assert.Equal((accumulate ? before[i] : 0) + (x[i] > 0 ? y[i] : 0), target.Span[i]);
            }
        }
    }
}
