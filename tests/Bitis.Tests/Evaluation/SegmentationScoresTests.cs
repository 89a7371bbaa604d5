using Bitis.Data.LabelMaps;
using Bitis.Evaluation;

namespace Bitis.Tests.Evaluation;

/// <summary>Mean intersection over union and accuracies, by hand.</summary>
public sealed class SegmentationScoresTests
{
    [Fact]
    public void Counts_of_several_images_give_the_shares()
    {
        var scores = new SegmentationScores(4);
        Assert.Null(scores.MeanIou);
        scores.Add(new SegmentationMap(3, 1, [0, 1, 1]), new LabelMap(3, 1, [0, 0, 1]), "a");
        scores.Add(new SegmentationMap(2, 1, [2, 3]), new LabelMap(2, 1, [1, 255]), "b");
        Assert.Equal(2, scores.Images);
        Assert.Equal(4, scores.Pixels);
        Assert.Equal(0.5, scores.PixelAccuracy);
        Assert.Equal(1 / 2.0, scores.ClassIou(0)); // 1 of the 2 pixels that label or model call 0
        Assert.Equal(1 / 3.0, scores.ClassIou(1));
        Assert.Equal(0, scores.ClassIou(2)); // predicted only
        Assert.Null(scores.ClassIou(3)); // only where no label counts
        Assert.Null(scores.ClassAccuracy(2));
        Assert.Equal((1 / 2.0 + 1 / 3.0) / 3, scores.MeanIou!.Value, 1e-12);
        Assert.Equal(0.5, scores.MeanAccuracy);
        Assert.Equal(2, scores.PixelsOf(1));
    }

    [Fact]
    public void Labels_that_are_no_classes_and_other_sizes_are_refused()
    {
        var scores = new SegmentationScores(2);
        Assert.Throws<BitisException>(() => scores.Add(new(1, 1, [0]), new LabelMap(1, 1, [2]), "a"));
        Assert.Throws<BitisException>(() => scores.Add(new(1, 2, [0, 0]), new LabelMap(2, 1, [0, 0]), "a"));
        Assert.Equal(0, scores.Images);
    }
}
