using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Tensors;

namespace Bitis.Models.VMamba;

/// <summary>
/// Fresh weights for a VMamba or LocalVMamba, distributed as the official code initializes them; from one seed.
/// </summary>
internal static class VMambaInitializer
{
    private const double Deviation = 0.02;

    public static Dictionary<string, FloatTensor> Create(VMambaConfig config, ulong seed) =>
        Initialization.Create(config.BuildGraph(), seed, Distribution);

    private static Func<int, double> Distribution(Node node, string role, SeededRandom random)
    {
        string module = node.Name[(node.Name.LastIndexOf('.') + 1)..];
        return node.Operator switch
        {
            SelectiveScan scan => role == "D" ? _ => 1 : Initialization.LogStates(scan.States),
            LayerNorm or MeanOfNorms or GroupNorm => role == "weight" ? _ => 1 : _ => 0,
            BatchNorm => role is "weight" or "running_var" ? _ => 1 : _ => 0,
            // In the official code, the scan's projections are plain tensors, so its rule for linear layers does not
            // apply.
            Linear when role == "bias" && module.StartsWith("dt_proj", StringComparison.Ordinal) =>
                Initialization.DeltaBias(random),
            Linear linear when module.StartsWith("dt_proj", StringComparison.Ordinal)
                || module.StartsWith("x_proj", StringComparison.Ordinal) =>
                Initialization.Uniform(random, linear.InFeatures),
            Linear => role == "weight" ? Initialization.TruncatedNormal(random, Deviation) : _ => 0,
            _ => Initialization.Uniform(random, Initialization.FanIn(node.Operator)),
        };
    }
}
