using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>The small golden model, random images for it, and what recipes make of them.</summary>
internal static class MicroModel
{
    public static VisionModel Load() => VisionModel.Load(GoldenFiles.Path("vim-micro.safetensors"));

    public static FloatTensor Images(VisionModel model, int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        FloatTensor images = FloatTensor.Uninitialized(model.Config.InputShape.Prepend(count));
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }

    public static QuantizedModel Quantize(VisionModel model, Recipe recipe) =>
        PostTrainingQuantizer.Quantize(model, CalibrationSet.FromTensors(Images(model, 4, seed: 1)), recipe);
}
