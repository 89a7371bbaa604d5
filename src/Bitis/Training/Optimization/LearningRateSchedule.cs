namespace Bitis.Training.Optimization;

/// <summary>The learning rate of each step: a linear rise, then half a cosine (Loshchilov and Hutter, 2017).</summary>
/// <remarks>It rises to the peak and then falls to the minimum.</remarks>
/// <param name="Peak">The learning rate after the warm-up.</param>
/// <param name="Minimum">The learning rate after the last step.</param>
/// <param name="WarmUpSteps">Steps of the rise; the last of them has the peak.</param>
/// <param name="Steps">All steps.</param>
internal sealed record LearningRateSchedule(double Peak, double Minimum, long WarmUpSteps, long Steps)
{
    /// <summary>The schedule of a recipe.</summary>
    /// <param name="recipe">Rates and epochs.</param>
    /// <param name="stepsPerEpoch">Steps an epoch.</param>
    public static LearningRateSchedule Of(TrainingRecipe recipe, int stepsPerEpoch) => new(
        recipe.LearningRate,
        recipe.MinLearningRate,
        (long)Math.Round(recipe.WarmUpEpochs * stepsPerEpoch),
        (long)recipe.Epochs * stepsPerEpoch);

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The step, counted from 0.</param>
    public double At(long step)
    {
        if (step < WarmUpSteps)
            return Peak * (step + 1) / WarmUpSteps;
        double progress = Math.Min(1, (double)(step - WarmUpSteps) / Math.Max(1, Steps - WarmUpSteps));
        return Minimum + (Peak - Minimum) * (1 + Math.Cos(Math.PI * progress)) / 2;
    }
}
