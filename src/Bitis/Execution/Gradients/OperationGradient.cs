using Bitis.Execution.Planning;

namespace Bitis.Execution.Gradients;

/// <summary>The forward and backward work of a fused operation on the images of a micro-batch.</summary>
/// <remarks>
/// It is planned once, forward and then in reverse, which fixes where its values lie. Then many micro-batches may run
/// it at once. So its fields hold nothing of a run.
/// </remarks>
internal abstract class OperationGradient
{
    /// <summary>The operation's name in profiles: <c>linear</c>, <c>selective_scan</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether the operation keeps a compressed copy of its input, to save memory.</summary>
    public virtual bool KeepsCompressedInput => false;

    /// <summary>Claims the memory of the forward pass.</summary>
    public abstract void PlanForward(GradientPlanner planner);

    /// <summary>Claims the memory of the backward pass, and the values that the forward must keep for it.</summary>
    public abstract void PlanBackward(GradientPlanner planner);

    /// <summary>Packs changed weights for the kernels; called once before all micro-batches run.</summary>
    public virtual void Prepare()
    {
    }

    /// <summary>Computes the values.</summary>
    public abstract void Forward(MicroBatch microBatch);

    /// <summary>Computes the gradients of the inputs, and adds those of the parameters to the micro-batch's.</summary>
    public abstract void Backward(MicroBatch microBatch);

    /// <summary>
    /// Computes an image's values once more, in another place; see <see cref="GradientPlanner.NewRecomputableValue"/>.
    /// </summary>
    public virtual void Recompute(MicroBatch microBatch, int image, ArenaMatrix place) =>
        throw new NotSupportedException($"{Kind} does not recompute its value.");

    /// <summary>Takes the other sums over all images; called once after all micro-batches have run.</summary>
    public virtual void Finish()
    {
    }
}
