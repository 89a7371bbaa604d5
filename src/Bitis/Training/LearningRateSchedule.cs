namespace Bitis.Training;

/// <summary>The learning rate by step: linear warm-up, then half a cosine down to the minimum (Loshchilov and Hutter, 2017).</summary>
/// <param name="Peak">The learning rate after the warm-up.</param>
/// <param name="Minimum">The learning rate at the end.</param>
/// <param name="WarmUpSteps">Steps of the warm-up.</param>
/// <param name="Steps">All steps.</param>
public sealed record LearningRateSchedule(double Peak, double Minimum, long WarmUpSteps, long Steps)
{
    /// <summary>The learning rate of a step, counted from 0.</summary>
    public double At(long step)
    {
        if (step < WarmUpSteps)
            return Peak * (step + 1) / WarmUpSteps;
        double progress = Math.Min(1, (double)(step - WarmUpSteps) / Math.Max(1, Steps - WarmUpSteps));
        return Minimum + ((Peak - Minimum) * (1 + Math.Cos(Math.PI * progress)) / 2);
    }
}
