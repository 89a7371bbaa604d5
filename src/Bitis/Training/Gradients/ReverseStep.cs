using Bitis.Runtime;

namespace Bitis.Training.Gradients;

/// <summary>A step of the reverse pass: that of an operator, or a value of the forward pass that is computed again for the next one.</summary>
/// <param name="Step">The operator.</param>
/// <param name="Repeated">Where its values go, if it computes them again; null for its own reverse pass.</param>
internal readonly record struct ReverseStep(GradientStep Step, ArenaMatrix? Repeated)
{
    /// <summary>Does the step's work for the images of a lane.</summary>
    public void Run(GradientLane lane)
    {
        if (Repeated is { } place)
            Step.Repeat(lane, place);
        else
            Step.Backward(lane);
    }
}
