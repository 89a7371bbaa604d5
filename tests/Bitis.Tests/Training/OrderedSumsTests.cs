using Bitis.Execution.Gradients;

namespace Bitis.Tests.Training;

public sealed unsafe class OrderedSumsTests
{
    // In float32 the order matters: 1e8 + 1 − 1e8 is 0, 1e8 − 1e8 + 1 is 1.
    private static readonly float[] Values = [1e8f, 1f, -1e8f, 1f];

    [Theory]
    [InlineData(0, 1, 2, 3)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(2, 0, 3, 1)]
    public void Parts_are_added_in_their_order_however_they_finish(params int[] order)
    {
        var total = new FloatTensor([5]);
        using var sums = new OrderedSums(total, parts: 4);
        for (int run = 0; run < 2; run++) // the second one finds the memory of the first
        {
            sums.Start();
            foreach (int part in order)
            {
                Fill(sums, part, total.Length, Values[part]);
                sums.Add(part);
            }
            Assert.Equal([1f, 1f, 1f, 1f, 1f], total.Span.ToArray());
        }
    }

    [Fact]
    public void A_run_that_broke_off_leaves_nothing()
    {
        var total = new FloatTensor([1]);
        using var sums = new OrderedSums(total, parts: 2);
        sums.Start();
        Fill(sums, part: 1, length: 1, 5f);
        sums.Add(1);
        sums.Start();
        for (int part = 0; part < 2; part++)
        {
            Fill(sums, part, length: 1, part + 1f);
            sums.Add(part);
        }
        Assert.Equal(3f, total.Span[0]);
    }

    [Fact]
    public void Parts_one_after_the_other_share_memory()
    {
        var total = new FloatTensor([1]);
        using var sums = new OrderedSums(total, parts: 4);
        sums.Start();
        HashSet<nint> places = [];
        for (int part = 0; part < 4; part++)
        {
            places.Add(Fill(sums, part, length: 1, part));
            sums.Add(part);
        }
        Assert.Equal(2, places.Count); // the total, and the part under way
        Assert.Equal(6f, total.Span[0]);
    }

    private static nint Fill(OrderedSums sums, int part, int length, float value)
    {
        float* own = sums.Take(part);
        var span = new Span<float>(own, length);
        Assert.All(span.ToArray(), element => Assert.Equal(0f, element));
        span.Fill(value);
        return (nint)own;
    }
}
