using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;

namespace Bitis.Execution.Operations;

/// <summary>
/// How one fused operation is computed: each form that it has, forward in float32 and in integers, and backward.
/// </summary>
/// <remarks>A new operator is a record, one such class, and one line in <see cref="OperationTable"/>.</remarks>
internal abstract class Operation
{
    /// <summary>What the gradients of the inputs are to that of the output.</summary>
    public virtual GradientPassing Passing => GradientPassing.None;

    /// <summary>Adds the operations of the forward pass, and says where the outputs lie.</summary>
    /// <exception cref="NotSupportedException">The operation is quantized, and has no such form here.</exception>
    public abstract void Plan(PlanBuilder plan);

    /// <summary>The form that training runs, forward and back; null for a view.</summary>
    /// <exception cref="NotSupportedException">There is none; the message names the node.</exception>
    public abstract OperationGradient? CreateGradient(GradientContext context);
}
