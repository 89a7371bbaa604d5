using Bitis.Execution.Sessions;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Sessions;
using Bitis.Graphs;

namespace Bitis;

/// <summary>Options of an <see cref="InferenceSession"/> that computes on a GPU of NVIDIA.</summary>
/// <remarks>
/// It needs the CUDA driver and nothing else of CUDA. Several sessions may use one GPU. What the GPU cannot compute is
/// refused when a session is created, by name.
/// </remarks>
public sealed record GpuOptions : SessionOptions
{
    /// <summary>The GPU; null for the first one of compute capability 8.0 or later.</summary>
    public NvidiaGpu? Gpu { get; init; }

    /// <summary>What the GPU computes in where the model has no levels.</summary>
    public FloatPrecision Precision { get; init; }

    /// <summary>Lets the CPU compute what the GPU cannot, and receives the reason; null to refuse it.</summary>
    public Action<string>? OnFallback { get; init; }

    private GpuPrecision PlanPrecision => Precision switch
    {
        FloatPrecision.Float16 => GpuPrecision.Halves,
        FloatPrecision.Float16States => GpuPrecision.HalfStates,
        _ => GpuPrecision.Floats,
    };

    /// <inheritdoc />
    internal override SessionEngine Open(VisionModel model, CancellationToken cancellationToken) => Open(
        model.Graph,
        (device, images) => GpuPlanBuilder.Build(device, model, images, PlanPrecision, cancellationToken),
        () => base.Open(model, cancellationToken), cancellationToken);

    /// <inheritdoc />
    internal override SessionEngine Open(QuantizedModel model, CancellationToken cancellationToken) => Open(
        model.Graph,
        (device, images) => GpuPlanBuilder.Build(device, model, images, PlanPrecision, cancellationToken),
        () => base.Open(model, cancellationToken), cancellationToken);

    /// <inheritdoc />
    internal override void RequireCpu(string what)
    {
        string reason = $"{what} computes on the CPU only.";
        if (OnFallback is null)
            throw new BitisException($"{reason} Choose it (--device cpu, SessionOptions).");
        OnFallback(reason);
    }

    private SessionEngine Open(
        Graph graph, Func<GpuDevice, int, GpuPlan> plan, Func<SessionEngine> openCpu,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string reason;
        try
        {
            NvidiaGpu gpu = Gpu ?? NvidiaGpu.FindFirst();
            return new GpuEngine(gpu.Name, Precision, new GpuWorkspace(gpu.Open(), graph, plan));
        }
        catch (BitisException e) when (OnFallback is not null)
        {
            reason = e.Message;
        }
        SessionEngine engine = openCpu();
        OnFallback(reason);
        return engine;
    }
}
