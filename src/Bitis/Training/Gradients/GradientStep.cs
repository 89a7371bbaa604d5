using Bitis.Runtime;

namespace Bitis.Training.Gradients;

/// <summary>
/// One operator of a graph, or several that are computed together, as forward and reverse work over the images of a
/// lane. It is planned once, forward and then reverse, which fixes where its values lie; afterwards it is run by any
/// number of lanes at once, so it keeps nothing of a run in its fields.
/// </summary>
internal abstract class GradientStep
{
    /// <summary>What profiles call the work: <c>linear</c>, <c>selective_scan</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether the step keeps a compressed copy of its input, to save memory.</summary>
    public virtual bool KeepsCompressedInput => false;

    /// <summary>Claims the memory of the forward pass.</summary>
    public abstract void PlanForward(GradientPlanner planner);

    /// <summary>Claims the memory of the reverse pass, and the values that the forward must keep for it.</summary>
    public abstract void PlanBackward(GradientPlanner planner);

    /// <summary>Brings changed weights into the form that the kernels take; once before all lanes run.</summary>
    public virtual void Prepare()
    {
    }

    /// <summary>Computes the values.</summary>
    public abstract void Forward(GradientLane lane);

    /// <summary>Computes the gradients of the inputs, and adds those of the parameters to the lane's.</summary>
    public abstract void Backward(GradientLane lane);

    /// <summary>Computes the values once more, in another place; see <see cref="GradientPlanner.NewRepeatableValue"/>.</summary>
    public virtual void Repeat(GradientLane lane, ArenaMatrix place) => throw new NotSupportedException($"{Kind} does not repeat its forward pass.");

    /// <summary>Takes what else was summed up over all images; once after all lanes ran.</summary>
    public virtual void Finish()
    {
    }
}
