using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Compiled.Norms;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Operations.Norms;

/// <summary>A norm of each token, RMS or layer norm, with the sum before it.</summary>
/// <remarks>The sum updates the residual stream in place.</remarks>
internal sealed class NormOperation : Operation
{
    private readonly Node _norm;
    private readonly Node? _sum;

    /// <summary>A norm without a sum before it.</summary>
    public NormOperation(Node norm) => _norm = norm;

    /// <summary>A norm of a sum.</summary>
    public NormOperation(FusedSumNorm fused) => (_norm, _sum) = (fused.Norm, fused.Sum);

    private bool HasBias => _norm.Operator is LayerNorm;

    private float Epsilon => _norm.Operator is RmsNorm rms ? rms.Epsilon : ((LayerNorm)_norm.Operator).Epsilon;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(_norm.Inputs[0] == _sum ? _sum.Inputs[1] : _norm.Inputs[0]);
        ArenaMatrix? stream = null;
        if (_sum is not null)
        {
            ArenaMatrix left = plan.Value(_sum.Inputs[0]);
            bool isInPlace = _sum.Inputs[0] != _sum.Inputs[1] && plan.CanOverwrite(_sum.Inputs[0]);
            ArenaMatrix sum = isInPlace ? left : plan.Allocate(_sum);
            if (!isInPlace)
                plan.Add(new CompiledSum(_sum.Name, left, x, sum), [left, x], [sum]);
            plan.SetValue(_sum, sum);
            x = isInPlace ? x : sum;
            stream = isInPlace ? sum : null;
        }
        ArenaMatrix y = plan.Allocate(_norm);
        FloatTensor? bias = HasBias ? plan.Parameter(_norm, 1) : null;
        var operation = new CompiledNorm(_norm.Name, x, stream, y, plan.Parameter(_norm, 0), bias, Epsilon);
        plan.Add(operation, stream is { } read ? [x, read] : [x], stream is { } written ? [y, written] : [y]);
        plan.SetValue(_norm, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        new NormGradient(_norm, Epsilon, HasBias);

    /// <summary>The operands of the kernel for the rows of a matrix. With a bias, it centers the rows first.</summary>
    public static unsafe RowNormCall Call(
        ArenaAddresses arena, ArenaMatrix x, ArenaMatrix y, FloatTensor weight, FloatTensor? bias, float epsilon) =>
        new()
        {
            Columns = y.Columns,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
            Weight = weight.Pointer,
            Bias = bias is null ? null : bias.Pointer,
            Epsilon = epsilon,
            Center = bias is not null,
        };
}
