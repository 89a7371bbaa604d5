using Bitis.Execution.Sessions;

namespace Bitis.Gpu.Sessions;

/// <summary>A GPU for what it can compute, and the CPU for everything else.</summary>
/// <param name="find">Finds the GPU.</param>
/// <param name="report">Receives the reason for the CPU.</param>
internal sealed class GpuOrCpu(Func<ComputeDevice> find, Action<string>? report) : ComputeDevice
{
    /// <inheritdoc />
    public override string Name => "GPU or CPU";

    /// <inheritdoc />
    internal override SessionEngine Open(
        VisionModel model, SessionOptions options, CancellationToken cancellationToken) =>
        OpenFirst(device => device.Open(model, options, cancellationToken));

    /// <inheritdoc />
    internal override SessionEngine Open(
        QuantizedModel model, SessionOptions options, CancellationToken cancellationToken) =>
        OpenFirst(device => device.Open(model, options, cancellationToken));

    private SessionEngine OpenFirst(Func<ComputeDevice, SessionEngine> open)
    {
        string reason;
        try
        {
            return open(find());
        }
        catch (BitisException e)
        {
            reason = e.Message;
        }
        SessionEngine engine = open(Cpu);
        report?.Invoke(reason);
        return engine;
    }
}
