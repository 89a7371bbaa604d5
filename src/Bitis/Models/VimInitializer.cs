using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>Fresh weights for a Vim, distributed as the official code initializes them; from one seed.</summary>
internal static class VimInitializer
{
    private const double EmbeddingDeviation = 0.02;
    private const double SmallestDelta = 0.001, LargestDelta = 0.1;

    public static Dictionary<string, Tensor> Create(VimConfig config, ulong seed)
    {
        var weights = new Dictionary<string, Tensor>();
        ulong part = 0;
        foreach ((string name, Shape shape) in config.BuildGraph().Parameters)
        {
            var random = SeededRandom.ForPart(seed, part++);
            Tensor tensor = Tensor.Uninitialized(shape);
            Fill(tensor.Span, Distribution(name, shape, config, random));
            weights.Add(name, tensor);
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
            "A_log" or "A_b_log" => i => Math.Log(i % config.StateSize + 1),
            "D" or "D_b" => _ => 1,
            "cls_token" or "pos_embed" => _ => EmbeddingDeviation * TruncatedNormal(random),
            "weight" when isNorm => _ => 1,
            "bias" when isNorm || module == "head" => _ => 0,
            "weight" when module == "head" => _ => EmbeddingDeviation * TruncatedNormal(random),
            "bias" when module.Contains("dt_proj") => _ => InverseSoftplus(LogUniform(random)),
            "weight" when module.Contains("dt_proj") => Uniform(random, config.DeltaRank),
            // Each block adds one branch to the residual stream; this keeps the stream's variance independent of the depth.
            "weight" when module.EndsWith("out_proj", StringComparison.Ordinal) =>
                Uniform(random, config.InnerWidth * (double)config.Depth),
            "bias" when module == "patch_embed.proj" => Uniform(random, config.ImageChannels * config.PatchSize * config.PatchSize),
            "bias" => Uniform(random, config.ConvKernel),
            _ => Uniform(random, FanIn(shape)),
        };
    }

    private static void Fill(Span<float> values, Func<int, double> distribution)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)distribution(i);
    }

    private static double FanIn(Shape shape) => (double)shape.ElementCount / shape[0];

    private static Func<int, double> Uniform(SeededRandom random, double fanIn)
    {
        double bound = 1 / Math.Sqrt(fanIn);
        return _ => bound * (2 * random.NextDouble() - 1);
    }

    /// <summary>Normal with mean 0 and variance 1, drawn again beyond two deviations.</summary>
    public static double TruncatedNormal(SeededRandom random)
    {
        double value;
        do
            value = random.NextNormal();
        while (Math.Abs(value) > 2);
        return value;
    }

    private static double LogUniform(SeededRandom random) =>
        Math.Exp(Math.Log(SmallestDelta) + random.NextDouble() * (Math.Log(LargestDelta) - Math.Log(SmallestDelta)));

    private static double InverseSoftplus(double x) => x + Math.Log(-double.ExpM1(-x));
}
