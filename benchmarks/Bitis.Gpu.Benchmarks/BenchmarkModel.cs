using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks;

/// <summary>A model with random weights in one precision, and its plans.</summary>
/// <remarks>Quantized models keep float16 between kernels where they keep no levels, as their baseline does.</remarks>
/// <param name="Precision">What a table calls the precision: <c>w8a8 full</c>.</param>
/// <param name="Build">Plans it on an open device, for some images at a time.</param>
/// <param name="CreateSession">The same model on the CPU.</param>
internal sealed record BenchmarkModel(
    string Precision, Func<GpuDevice, int, GpuPlan> Build, Func<InferenceSession> CreateSession)
{
    private static readonly (string Bits, Scope Scope)[] Quantized =
    [
        ("w8a8", Scope.Linear), ("w8a8", Scope.Ssm), ("w8a8", Scope.Full), ("w4a8", Scope.Full),
    ];

    private const string Floats32 = "float32", Halves = "float16";

    /// <summary>Whether quantized models are compared with it: with the faster one of all such precisions.</summary>
    public bool IsBaseline => Precision.StartsWith(Halves, StringComparison.Ordinal);

    /// <summary>How far logits of small models may be from those of the CPU, as a share of the largest.</summary>
    /// <remarks>A level that becomes its neighbour has many followers, most in scans with few channels.</remarks>
    public float Tolerance => Precision == Floats32 ? 1e-4f : IsBaseline ? 0.01f : 0.1f;

    /// <summary>A published variant with random weights.</summary>
    public static VisionModel Create(string variant) =>
        VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);

    /// <summary>A model in all precisions; each is made when it is asked for.</summary>
    public static IEnumerable<BenchmarkModel> AllOf(VisionModel model)
    {
        yield return Floats(model, Floats32, GpuPrecision.Floats);
        yield return Floats(model, Halves, GpuPrecision.Halves);
        yield return Floats(model, $"{Halves}, half2 states", GpuPrecision.HalfStates);
        foreach ((string bits, Scope scope) in Quantized)
        {
            QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                model,
                CalibrationSet.FromTensors(Images(model, 1)),
                new Recipe { Method = "minmax", Bits = BitWidths.Parse(bits), Scope = scope });
            yield return new BenchmarkModel(
                $"{bits} {scope.ToString().ToLowerInvariant()}",
                (device, images) => GpuPlanBuilder.Build(device, quantized, images, GpuPrecision.HalfStates),
                () => InferenceSession.Create(quantized));
        }
    }

    /// <summary>Images of noise as a model takes them; after some, they repeat.</summary>
    public static FloatTensor Images(VisionModel model, int count)
    {
        const int Different = 8;
        var random = new SeededRandom(2);
        var images = new FloatTensor(model.Config.InputShape.Prepend(count));
        int repeated = images.Length / count * Math.Min(count, Different);
        for (int i = 0; i < images.Length; i++)
            images.Span[i] = i < repeated ? (float)random.NextNormal() : images.Span[i - repeated];
        return images;
    }

    private static BenchmarkModel Floats(VisionModel model, string name, GpuPrecision precision) => new(
        name,
        (device, images) => GpuPlanBuilder.Build(device, model, images, precision),
        () => InferenceSession.Create(model));
}
