using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Models.Reference;

/// <summary>Fresh weights for a residual network, distributed as torchvision initializes them; from one seed.</summary>
internal static class ResNetInitializer
{
    public static Dictionary<string, FloatTensor> Create(ResNetConfig config, ulong seed) =>
        Initialization.Create(config.BuildGraph(), seed, Distribution);

    private static Func<int, double> Distribution(Node node, string role, SeededRandom random)
    {
        if (node.Operator is GroupNorm)
            return role == "weight" ? _ => 1 : _ => 0;
        if (node.Operator is Linear linear)
            return Initialization.Uniform(random, linear.InFeatures);
        if (role == "bias")
            return _ => 0;
        // He et al., 2015: gradients keep their variance from layer to layer.
        Shape weight = node.Operator.Parameters[0].Shape; // [out, in, kernel, kernel]
        double deviation = Math.Sqrt(2.0 / (weight[0] * weight[2] * weight[3]));
        return _ => deviation * random.NextNormal();
    }
}
