using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>Fresh weights for a vision transformer, distributed as timm initializes them; from one seed.</summary>
internal static class VitInitializer
{
    private const double Deviation = 0.02;

    public static Dictionary<string, Tensor> Create(VitConfig config, ulong seed)
    {
        var weights = new Dictionary<string, Tensor>();
        foreach ((string name, Shape shape) in config.BuildGraph().Parameters)
        {
            var random = SeededRandom.ForPart(seed, (ulong)weights.Count);
            var tensor = new Tensor(shape); // biases stay zero
            bool isNorm = name.Contains("norm", StringComparison.Ordinal);
            for (int i = 0; i < tensor.Length && !name.EndsWith(".bias", StringComparison.Ordinal); i++)
                tensor.Span[i] = isNorm ? 1 : (float)(Deviation * VimInitializer.TruncatedNormal(random));
            weights.Add(name, tensor);
        }
        return weights;
    }
}
