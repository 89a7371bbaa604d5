using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;

namespace Bitis.Execution.Operations;

/// <summary>
/// How a fused operation is computed, in all of its forms: forward in float32 and in integers, and backward.
/// </summary>
/// <remarks>A new operator is a record, one such class, and one line in <see cref="OperationTable"/>.</remarks>
internal abstract class Operation
{
    /// <summary>How the gradients of the inputs follow from that of the output.</summary>
    public virtual GradientPassing Passing => GradientPassing.None;

    /// <summary>Adds the operations of the forward pass, and says where the outputs lie.</summary>
    /// <exception cref="NotSupportedException">The operation is quantized, but has no quantized form.</exception>
    public abstract void Plan(PlanBuilder plan);

    /// <summary>The form for training, forward and backward; null for a view.</summary>
    /// <exception cref="BitisException">There is no such form; the message names the node.</exception>
    public abstract OperationGradient? CreateGradient(GradientContext context);
}
