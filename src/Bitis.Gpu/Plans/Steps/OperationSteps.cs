using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of operations that belong to no pattern.</summary>
internal static class OperationSteps
{
    /// <summary>Adds the launches of an operation; false if it has no kernel.</summary>
    public static bool TryAdd(GpuPlanBuilder plan, FusedOperation operation)
    {
        switch (operation)
        {
            case FusedPatches patches:
                TokenSteps.AddPatches(plan, patches);
                return true;
            case FusedConvolution { Convolution.Operator: DepthwiseConv2d } convolution:
                ConvolutionSteps.AddDepthwise(plan, convolution);
                return true;
            case FusedConvolution { Convolution.Operator: CausalConv1d } convolution:
                ConvolutionSteps.AddCausal(plan, convolution);
                return true;
            case FusedSumNorm norm:
                NormSteps.Add(plan, norm.Norm, norm.Sum);
                return true;
            case FusedGate gate:
                ElementSteps.AddGate(plan, gate);
                return true;
            case SingleOperator single:
                return TryAdd(plan, single);
            default:
                return false;
        }
    }

    private static bool TryAdd(GpuPlanBuilder plan, SingleOperator operation)
    {
        switch (operation.Node.Operator)
        {
            case RmsNorm or LayerNorm:
                NormSteps.Add(plan, operation.Node);
                return true;
            case Linear:
                ProductSteps.AddLinear(plan, operation.Node);
                return true;
            case InsertToken:
                return plan.Graph.OnlyReaderOf(operation.Node) is SingleOperator { Node.Operator: AddEmbedding };
            case AddEmbedding:
                TokenSteps.AddEmbeddings(plan, operation.Node);
                return true;
            case GridConv2d { HasBias: true }:
                TokenSteps.AddGridConvolution(plan, operation.Node);
                return true;
            case RotaryPositions:
                ElementSteps.AddRotation(plan, operation.Node);
                return true;
            case MergePatches:
                ElementSteps.AddMergedPatches(plan, operation.Node);
                return true;
            case MeanTokens:
                NormSteps.AddMean(plan, operation.Node);
                return true;
            case MeanOfNorms:
                NormSteps.AddMeans(plan, operation.Node);
                return true;
            case GatedSum:
                NormSteps.AddGatedSum(plan, operation.Node);
                return true;
            case ReverseTokens or ArrangeTokens:
                ElementSteps.AddArrangement(plan, operation.Node);
                return true;
            case Add or Multiply:
                ElementSteps.AddBinary(plan, operation.Node);
                return true;
            case Scale or Relu or Gelu or Silu or Sigmoid:
                ElementSteps.AddUnary(plan, operation.Node);
                return true;
            default:
                return false;
        }
    }
}
