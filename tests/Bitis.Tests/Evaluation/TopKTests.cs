using Bitis.Evaluation;

namespace Bitis.Tests.Evaluation;

public sealed class TopKTests
{
    [Fact]
    public void Among_equal_scores_the_lowest_index_comes_first()
    {
        float[] scores = [1, 3, 3, 2, 3, 1];
        Assert.Equal(1, TopK.First(scores));
        Assert.Equal([1, 2, 4, 3, 0], TopK.Indices(scores, 5));
        Assert.Equal([4, 0, 1, 3, 2, 5], Enumerable.Range(0, 6).Select(i => TopK.Rank(scores, i)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Scores_that_are_not_finite_have_no_order(float score)
    {
        float[] scores = [0, 1, score, 2];
        Action[] orders = [() => TopK.First(scores), () => TopK.Indices(scores, 1), () => TopK.Rank(scores, 1)];
        foreach (Action order in orders)
            Assert.Contains("The score of class 2 is ", Assert.Throws<BitisException>(order).Message);
    }

    [Fact]
    public void More_answers_than_classes_are_all_classes() => Assert.Equal([1, 0], TopK.Indices([0f, 1f], 5));

    [Fact]
    public void Rank_is_the_position_among_the_ordered_indices()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 50; trial++)
        {
            float[] scores = [.. Enumerable.Range(0, 30).Select(_ => (float)random.Next(8))];
            int[] order = TopK.Indices(scores, scores.Length);
            Assert.Equal(order[0], TopK.First(scores));
            for (int rank = 0; rank < order.Length; rank++)
                Assert.Equal(rank, TopK.Rank(scores, order[rank]));
        }
    }
}
