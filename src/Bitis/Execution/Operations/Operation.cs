using Bitis.Execution.Planning;

namespace Bitis.Execution.Operations;

/// <summary>
/// How one fused operation is computed: each form that it has, forward in float32 and in integers, and backward. A new operator is a record,
/// one such class, and one line in <see cref="OperationTable"/>.
/// </summary>
internal abstract class Operation
{
    /// <summary>Adds the steps of the forward pass, and says where the outputs lie.</summary>
    /// <exception cref="NotSupportedException">The operation is quantized, and has no such form here.</exception>
    public abstract void Plan(PlanBuilder plan);
}
