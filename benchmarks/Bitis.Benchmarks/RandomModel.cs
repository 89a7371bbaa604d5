using Bitis.Models.Catalogue;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// Published variants with random weights, and images of noise: what is measured is time, not accuracy.
/// </summary>
internal static class RandomModel
{
    /// <summary>A variant in float32.</summary>
    public static VisionModel Create(string variant) =>
        VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);

    /// <summary>A variant in float32, for images of another size.</summary>
    public static VisionModel Create(string variant, int imageSize) =>
        VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config with { ImageSize = imageSize }, seed: 1);

    /// <summary>Images as the model takes them.</summary>
    public static FloatTensor Images(VisionModel model, int count)
    {
        var random = new SeededRandom(2);
        var images = new FloatTensor(model.Config.InputShape.Prepend(count));
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }

    /// <summary>
    /// Plain layers; scans with <c>qmamba+</c>'s grids. What is not learned or smoothed does not change the time.
    /// </summary>
    public static QuantizedModel Quantize(VisionModel model, string bits, Scope scope) =>
        PostTrainingQuantizer.Quantize(
        model,
        CalibrationSet.FromTensors(Images(model, 1)),
        scope == Scope.Linear
            ? new() { Method = "minmax", Bits = BitWidths.Parse(bits) }
            : new()
            {
                Method = "qmamba+",
                Bits = BitWidths.Parse(bits),
                Scope = scope,
                ActivationGranularity = Granularity.PerTensor,
                Settings = new SmoothedLearningSettings { Smoothing = false, Learning = new() { Steps = 0 } },
            });

    /// <summary>What a table calls a model: <c>w8a8 ssm</c>.</summary>
    public static string NameOf(string bits, Scope scope) => $"{bits} {scope.ToString().ToLowerInvariant()}";
}
