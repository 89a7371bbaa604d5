using Bitis.Training.Optimization;

namespace Bitis.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void It_rises_linearly_by_step_and_falls_as_half_a_cosine()
    {
        var recipe = new TrainingRecipe { LearningRate = 1, MinLearningRate = 0.2, WarmUpEpochs = 0.5, Epochs = 3 };
        LearningRateSchedule schedule = LearningRateSchedule.Of(recipe, stepsPerEpoch: 8);
        Assert.Equal([0.25, 0.5, 0.75, 1], Enumerable.Range(0, 4).Select(step => schedule.At(step)));
        Assert.Equal(1, schedule.At(4));
        Assert.Equal(0.6, schedule.At(14), 1e-12); // half way from step 4 to step 24
        Assert.Equal(0.2 + 0.4 * (1 + Math.Cos(Math.PI * 19 / 20)), schedule.At(23), 1e-12);
        Assert.Equal(0.2, schedule.At(24), 1e-12);
    }

    [Fact]
    public void Without_warm_up_it_starts_at_the_peak() =>
        Assert.Equal(3, new LearningRateSchedule(Peak: 3, Minimum: 0, WarmUpSteps: 0, Steps: 10).At(0));

    [Fact]
    public void All_of_it_may_be_warm_up() =>
        Assert.Equal(3, new LearningRateSchedule(Peak: 3, Minimum: 0, WarmUpSteps: 10, Steps: 10).At(9));
}
