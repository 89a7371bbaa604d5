using Bitis.Execution.Sessions;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Sessions;

namespace Bitis;

/// <summary>A GPU of this machine, for <see cref="SessionOptions.Device"/>.</summary>
/// <remarks>
/// It needs the CUDA driver and nothing else of CUDA. Several sessions may use one GPU. What the GPU cannot compute is
/// refused when a session is created, by name.
/// </remarks>
public sealed class NvidiaGpu : ComputeDevice
{
    private readonly Func<GpuDevice> _open;

    /// <summary>Describes a GPU, or what tests put in its place.</summary>
    /// <param name="info">The GPU.</param>
    /// <param name="precision">What float models are computed in.</param>
    /// <param name="open">Opens it.</param>
    internal NvidiaGpu(CudaDeviceInfo info, FloatPrecision precision, Func<GpuDevice> open)
    {
        (Name, Precision, _open) = (info.Name, precision, open);
        (MemoryBytes, ComputeCapability, DriverVersion) =
            (info.MemoryBytes, $"{info.Capability}", info.DriverVersion);
    }

    /// <inheritdoc />
    public override string Name { get; }

    /// <summary>Its memory.</summary>
    public long MemoryBytes { get; }

    /// <summary>Its generation, as NVIDIA counts: <c>9.0</c>. Bitis needs 8.0 or later.</summary>
    public string ComputeCapability { get; }

    /// <summary>The version of CUDA that its driver has.</summary>
    public string DriverVersion { get; }

    /// <summary>What float models are computed in. A quantized model says itself.</summary>
    public FloatPrecision Precision { get; }

    /// <summary>The GPUs of this machine.</summary>
    /// <param name="precision">What they compute float models in.</param>
    /// <exception cref="BitisException">There is no GPU or no driver; the message says which.</exception>
    public static IReadOnlyList<NvidiaGpu> FindAll(FloatPrecision precision = FloatPrecision.Float32) =>
    [
        .. CudaDriver.Devices().Select(
            info => new NvidiaGpu(info, precision, () => new CudaDevice(info, ModuleCache.OfUser))),
    ];

    /// <summary>The first GPU of this machine.</summary>
    /// <param name="precision">What it computes float models in.</param>
    /// <exception cref="BitisException">There is no GPU or no driver; the message says which.</exception>
    public static NvidiaGpu First(FloatPrecision precision = FloatPrecision.Float32) => FindAll(precision)[0];

    /// <summary>The first GPU for what it can compute, and the CPU for everything else.</summary>
    /// <remarks><see cref="InferenceSession.Device"/> tells what a session uses.</remarks>
    /// <param name="precision">What the GPU computes float models in.</param>
    /// <param name="report">Receives the reason when a session uses the CPU.</param>
    public static ComputeDevice FirstOrCpu(
        FloatPrecision precision = FloatPrecision.Float32, Action<string>? report = null) =>
        new GpuOrCpu(() => First(precision), report);

    /// <inheritdoc />
    internal override SessionEngine Open(
        VisionModel model, SessionOptions options, CancellationToken cancellationToken) =>
        GpuEngine.Open(this, _open, model.Graph, cancellationToken, (device, images) => GpuPlanBuilder.Build(
            device, model, images,
            Precision == FloatPrecision.Float16 ? GpuPrecision.Halves : GpuPrecision.Floats));

    /// <inheritdoc />
    internal override SessionEngine Open(
        QuantizedModel model, SessionOptions options, CancellationToken cancellationToken) =>
        GpuEngine.Open(this, _open, model.Graph, cancellationToken, (device, images) => GpuPlanBuilder.Build(
            device, model, images));
}
