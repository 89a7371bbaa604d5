using Bitis.Evaluation;

namespace Bitis.Tests.Evaluation;

public sealed class EvaluationResultTests
{
    private const int Classes = 7;

    [Fact]
    public void Counts_first_and_fifth_answers_of_labeled_images()
    {
        var shard = new EvaluationResult();
        FloatTensor logits = FloatTensor.From(
            [3, Classes], [9, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]);
        shard.Add(logits, [0, 2, 1]); // right; fifth of seven; sixth of seven
        Assert.Equal((3, 3, 1, 2), (shard.Images, shard.Labeled, shard.Top1Correct, shard.Top5Correct));
        Assert.Equal(1 / 3.0, shard.Top1!.Value, 12);
        Assert.Equal(2 / 3.0, shard.Top5!.Value, 12);
        Assert.Equal([new Confusion(1, 6, 1), new Confusion(2, 6, 1)], shard.Confusions.MostFrequent(10));
        Assert.Equal(new ClassAccuracy(0, 1, 1), shard.Confusions.Classes[0]);
    }

    [Fact]
    public void An_answer_that_is_not_finite_counts_as_nothing()
    {
        var shard = new EvaluationResult(references: 1);
        FloatTensor good = FloatTensor.From([2, 2], [3, 4, 1, 0]), bad = FloatTensor.From([2, 2], [3, 4, float.NaN, 0]);
        Assert.Contains("image 1", Assert.Throws<BitisException>(() => shard.Add(bad, [0, 0], good)).Message);
        Assert.Contains("image 1", Assert.Throws<BitisException>(() => shard.Add(good, [0, 0], bad)).Message);
        Assert.Equal(0, shard.Images);
    }

    [Fact]
    public void Images_without_labels_count_for_agreement_only()
    {
        var shard = new EvaluationResult(references: 1);
        FloatTensor logits = FloatTensor.From([2, 2], [3, 4, 1, 0]);
        FloatTensor reference = FloatTensor.From([2, 2], [3, 4, 0, 2]);
        shard.Add(logits, [null, null], reference);
        Assert.Null(shard.Top1);
        Assert.Null(shard.Top5);
        Assert.Equal(2, shard.Images);
        Agreement agreement = shard.Agreements[0];
        Assert.Equal(0.5, agreement.Top1);
        Assert.Equal(Math.Sqrt(5) / 2, agreement.MaxLogitError, 6); // ‖(1, −2)‖ / ‖(0, 2)‖
        Assert.Equal(Math.Sqrt(5) / 4, agreement.MeanLogitError, 6);
    }

    [Fact]
    public void Merged_shards_equal_the_evaluation_of_all_images()
    {
        var random = new Random(3);
        var whole = new EvaluationResult(references: 2);
        EvaluationResult[] parts = [new(2), new(2), new(2)];
        for (int i = 0; i < 40; i++)
        {
            FloatTensor[] outputs = [.. Enumerable.Range(0, 3).Select(_ => RandomLogits(random))];
            int?[] labels = [random.Next(Classes), i % 4 == 0 ? null : random.Next(Classes)];
            whole.Add(outputs[0], labels, outputs[1], outputs[2]);
            parts[i % 3].Add(outputs[0], labels, outputs[1], outputs[2]);
        }
        var merged = new EvaluationResult(references: 2);
        foreach (EvaluationResult part in parts.Reverse())
            merged.Merge(part);
        Assert.Equal(
            (whole.Images, whole.Labeled, whole.Top1Correct, whole.Top5Correct),
            (merged.Images, merged.Labeled, merged.Top1Correct, merged.Top5Correct));
        Assert.Equal(whole.Confusions.Classes, merged.Confusions.Classes);
        Assert.Equal(whole.Confusions.MostFrequent(100), merged.Confusions.MostFrequent(100));
        for (int r = 0; r < 2; r++)
        {
            Assert.Equal(whole.Agreements[r].SameTop1, merged.Agreements[r].SameTop1);
            Assert.Equal(whole.Agreements[r].MaxLogitError, merged.Agreements[r].MaxLogitError);
            Assert.Equal(whole.Agreements[r].MeanLogitError, merged.Agreements[r].MeanLogitError, 12);
        }
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        var shard = new EvaluationResult(references: 1);
        FloatTensor logits = FloatTensor.From([1, 2], [0, 1]);
        Assert.Throws<ArgumentException>(() => shard.Add(logits, [0, 1], logits));
        Assert.Throws<ArgumentException>(() => shard.Add(logits, [0]));
        Assert.Throws<ArgumentException>(() => shard.Add(logits, [2], logits));
        Assert.Throws<ArgumentException>(() => shard.Add(logits, [0], FloatTensor.From([1, 3], [0, 1, 2])));
        Assert.Throws<ArgumentException>(() => shard.Merge(new EvaluationResult()));
    }

    private static FloatTensor RandomLogits(Random random) =>
        FloatTensor.From([2, Classes], [.. Enumerable.Range(0, 2 * Classes).Select(_ => (float)random.Next(5))]);
}
