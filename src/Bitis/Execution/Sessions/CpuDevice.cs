using Bitis.Execution.Planning;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Sessions;

/// <summary>The processors of this machine.</summary>
internal sealed class CpuDevice : ComputeDevice
{
    /// <inheritdoc />
    public override string Name => "CPU";

    /// <inheritdoc />
    internal override SessionEngine Open(
        VisionModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        int threads = ThreadCount.Resolve(options.Threads);
        return new CpuEngine(
            PlanBuilder.Build(model.Graph, model.Weights, cancellationToken: cancellationToken), threads);
    }

    /// <inheritdoc />
    internal override SessionEngine Open(
        QuantizedModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        int threads = ThreadCount.Resolve(options.Threads);
        return new CpuEngine(
            PlanBuilder.Build(model.Graph, model.Weights, model.Layers, model.Scans, cancellationToken), threads);
    }
}
