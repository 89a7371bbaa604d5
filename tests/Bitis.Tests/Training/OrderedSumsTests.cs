using Bitis.Execution.Gradients;
using Bitis.Kernels.Memory;

namespace Bitis.Tests.Training;

public sealed class OrderedSumsTests
{
    // In float32 the order matters: 1e8 + 1 − 1e8 is 0, 1e8 − 1e8 + 1 is 1.
    private static readonly float[] Values = [1e8f, 1f, -1e8f, 1f];

    [Theory]
    [InlineData(0, 1, 2, 3)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(2, 0, 3, 1)]
    public void Parts_are_added_in_their_order_however_they_finish(params int[] order)
    {
        using var sums = new OrderedSums(length: 5, parts: 4);
        for (int run = 0; run < 2; run++) // the second one finds the memory of the first
        {
            sums.Start();
            foreach (int part in order)
                sums.Add(part, Filled(sums, Values[part]));
            Assert.Equal([1f, 1f, 1f, 1f, 1f], sums.Total.ToArray());
        }
    }

    [Fact]
    public void A_run_that_broke_off_leaves_nothing()
    {
        using var sums = new OrderedSums(length: 1, parts: 2);
        sums.Start();
        sums.Add(1, Filled(sums, 5f));
        sums.Start();
        sums.Add(0, Filled(sums, 1f));
        sums.Add(1, Filled(sums, 2f));
        Assert.Equal(3f, sums.Total[0]);
    }

    [Fact]
    public void Parts_one_after_the_other_share_memory()
    {
        using var sums = new OrderedSums(length: 1, parts: 4);
        sums.Start();
        HashSet<NativeBuffer<float>> buffers = [];
        for (int part = 0; part < 4; part++)
        {
            NativeBuffer<float> own = Filled(sums, part);
            buffers.Add(own);
            sums.Add(part, own);
        }
        Assert.Equal(2, buffers.Count); // the total, and the part under way
        Assert.Equal(6f, sums.Total[0]);
    }

    private static NativeBuffer<float> Filled(OrderedSums sums, float value)
    {
        NativeBuffer<float> own = sums.Take();
        Assert.All(own.Span.ToArray(), element => Assert.Equal(0f, element));
        own.Span.Fill(value);
        return own;
    }
}
