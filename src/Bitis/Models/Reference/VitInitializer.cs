using Bitis.Tensors;

namespace Bitis.Models.Reference;

/// <summary>Fresh weights for a vision transformer, distributed as timm initializes them; from one seed.</summary>
internal static class VitInitializer
{
    private const double Deviation = 0.02;

    public static Dictionary<string, FloatTensor> Create(VitConfig config, ulong seed)
    {
        var weights = new Dictionary<string, FloatTensor>();
        foreach ((string name, Shape shape) in config.BuildGraph().Parameters)
        {
            var random = SeededRandom.ForPart(seed, (ulong)weights.Count);
            bool isNorm = name.Contains("norm", StringComparison.Ordinal),
                isBias = name.EndsWith(".bias", StringComparison.Ordinal);
            weights.Add(
                name,
                Initialization.Fill(
                    shape, isBias ? _ => 0 : isNorm ? _ => 1 : Initialization.TruncatedNormal(random, Deviation)));
        }
        return weights;
    }
}
