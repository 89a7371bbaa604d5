using Bitis.Tensors;

namespace Bitis.Models.Vim;

/// <summary>Fresh weights for a Vim, distributed as the official code initializes them; from one seed.</summary>
internal static class VimInitializer
{
    private const double EmbeddingDeviation = 0.02;

    public static Dictionary<string, FloatTensor> Create(VimConfig config, ulong seed)
    {
        var weights = new Dictionary<string, FloatTensor>();
        ulong part = 0;
        foreach ((string name, Shape shape) in config.BuildGraph().Parameters)
        {
            var random = SeededRandom.ForPart(seed, part++);
            weights.Add(name, Initialization.Fill(shape, Distribution(name, shape, config, random)));
        }
        return weights;
    }

    /// <summary>The distribution of one parameter: a function from the element's index to its value.</summary>
    private static Func<int, double> Distribution(string name, Shape shape, VimConfig config, SeededRandom random)
    {
        string role = name[(name.LastIndexOf('.') + 1)..];
        string module = name.Contains('.') ? name[..name.LastIndexOf('.')] : name;
        bool isNorm = module.EndsWith("norm", StringComparison.Ordinal) || module == "norm_f";
        return role switch
        {
            "A_log" or "A_b_log" => Initialization.LogStates(config.StateSize),
            "D" or "D_b" => _ => 1,
            "cls_token" or "pos_embed" => Initialization.TruncatedNormal(random, EmbeddingDeviation),
            "weight" when isNorm => _ => 1,
            "bias" when isNorm || module == "head" => _ => 0,
            "weight" when module == "head" => Initialization.TruncatedNormal(random, EmbeddingDeviation),
            "bias" when module.Contains("dt_proj") => Initialization.DeltaBias(random),
            "weight" when module.Contains("dt_proj") => Initialization.Uniform(random, config.DeltaRank),
            // Each block adds one branch to the residual stream; this keeps the stream's variance independent of the
            // depth.
            "weight" when module.EndsWith("out_proj", StringComparison.Ordinal) =>
                Initialization.Uniform(random, config.InnerWidth * (double)config.Depth),
            "bias" when module == "patch_embed.proj" =>
                Initialization.Uniform(random, config.ImageChannels * config.PatchSize * config.PatchSize),
            "bias" => Initialization.Uniform(random, config.ConvKernelSize),
            _ => Initialization.Uniform(random, FanIn(shape)),
        };
    }

    private static double FanIn(Shape shape) => (double)shape.ElementCount / shape[0];
}
