using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks;

/// <summary>A model in one precision, and its plans.</summary>
/// <param name="Precision">What a table calls the precision: <c>w8a8 full</c>.</param>
/// <param name="Build">Plans it on an open device, for some images at a time.</param>
/// <param name="CreateSession">The same model on the CPU; the same function for what is one model there.</param>
internal sealed record BenchmarkModel(
    string Precision, Func<GpuDevice, int, GpuPlan> Build, Func<InferenceSession> CreateSession)
{
    private const string Floats32 = "float32", Halves = "float16", HalfStates = $"{Halves}, half2 states";

    private static readonly (string Bits, Scope Scope)[] Fast =
    [
        ("w8a8", Scope.Linear), ("w8a8", Scope.Ssm), ("w8a8", Scope.Full), ("w4a8", Scope.Full),
    ];

    private static readonly (string Name, GpuPrecision Precision)[] Floats =
    [
        (Floats32, GpuPrecision.Floats), (Halves, GpuPrecision.Halves), (HalfStates, GpuPrecision.HalfStates),
    ];

    /// <summary>Whether quantized models are compared with it: with the faster one of all such precisions.</summary>
    public bool IsBaseline => Precision.StartsWith(Halves, StringComparison.Ordinal);

    /// <summary>How far logits of small models may be from those of the CPU, as a share of the largest.</summary>
    /// <remarks>A level that becomes its neighbour has many followers, most in scans with few channels.</remarks>
    public float Tolerance => Precision == Floats32 ? 1e-4f : IsBaseline ? 0.01f : 0.1f;

    /// <summary>A published variant with random weights.</summary>
    public static VisionModel Create(string variant) =>
        VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);

    /// <summary>A model with random weights in the precisions whose speed is measured.</summary>
    /// <remarks>
    /// Quantized models keep float16 between kernels where they keep no levels, as their baseline does.
    /// </remarks>
    public static IEnumerable<BenchmarkModel> AllOf(VisionModel model)
    {
        var calibration = CalibrationSet.FromTensors(Images(model, 1));
        return
        [
            .. FloatsOf(model),
            .. Fast.SelectMany(levels => QuantizedOf(
                model, calibration, levels.Bits, levels.Scope, [("", GpuPrecision.HalfStates)])),
        ];
    }

    /// <summary>A trained model in all precisions.</summary>
    /// <param name="model">The model.</param>
    /// <param name="calibration">Images like those that it will see.</param>
    public static IEnumerable<BenchmarkModel> TrainedOf(VisionModel model, CalibrationSet calibration) =>
    [
        .. FloatsOf(model),
        .. from bits in (string[])["w8a8", "w4a8"]
           from scope in Enum.GetValues<Scope>()
           from quantized in QuantizedOf(
               model, calibration, bits, scope, Floats.Select(floats => ($", {floats.Name}", floats.Precision)))
           select quantized,
    ];

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

    private static IEnumerable<BenchmarkModel> FloatsOf(VisionModel model)
    {
        Func<InferenceSession> createSession = () => InferenceSession.Create(model);
        return
        [
            .. Floats.Select(floats => new BenchmarkModel(
                floats.Name,
                (device, images) => GpuPlanBuilder.Build(device, model, images, floats.Precision),
                createSession)),
        ];
    }

    /// <summary>A quantized model with other floats besides. It is made when it is first wanted.</summary>
    private static IEnumerable<BenchmarkModel> QuantizedOf(
        VisionModel model, CalibrationSet calibration, string bits, Scope scope,
        IEnumerable<(string Suffix, GpuPrecision Precision)> floats)
    {
        var recipe = new Recipe { Method = "minmax", Bits = BitWidths.Parse(bits), Scope = scope };
        var quantized = new Lazy<QuantizedModel>(() => PostTrainingQuantizer.Quantize(model, calibration, recipe));
        Func<InferenceSession> createSession = () => InferenceSession.Create(quantized.Value);
        return
        [
            .. floats.Select(form => new BenchmarkModel(
                $"{bits} {scope.ToString().ToLowerInvariant()}{form.Suffix}",
                (device, images) => GpuPlanBuilder.Build(device, quantized.Value, images, form.Precision),
                createSession)),
        ];
    }
}
