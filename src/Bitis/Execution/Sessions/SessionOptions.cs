using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Dispatch;

namespace Bitis;

/// <summary>How an <see cref="InferenceSession"/> uses the machine.</summary>
/// <remarks>The package Bitis.Gpu has options for GPUs.</remarks>
public record SessionOptions
{
    /// <summary>The options that use all processors.</summary>
    public static SessionOptions Default { get; } = new();

    /// <summary>How many threads compute a lone call; 0 for one on each processor.</summary>
    /// <remarks>At most <see cref="ThreadCount.Limit"/>. Results do not depend on it.</remarks>
    public int Threads { get; init; }

    /// <summary>Prepares a float model.</summary>
    /// <exception cref="BitisException">There are too many threads, or the device cannot compute the model.</exception>
    internal virtual SessionEngine Open(VisionModel model, CancellationToken cancellationToken)
    {
        int threads = ThreadCount.Resolve(Threads);
        var folding = new NormFolding(model.Graph);
        return new CpuEngine(
            PlanBuilder.Build(
                folding.Graph, folding.WeightsOf(model.Weights), cancellationToken: cancellationToken),
            threads);
    }

    /// <summary>Prepares a quantized model.</summary>
    /// <exception cref="BitisException">There are too many threads, or the device cannot compute the model.</exception>
    internal virtual SessionEngine Open(QuantizedModel model, CancellationToken cancellationToken)
    {
        int threads = ThreadCount.Resolve(Threads);
        return new CpuEngine(
            PlanBuilder.Build(
                model.Graph, model.Weights, model.Layers, model.Scans, cancellationToken: cancellationToken),
            threads);
    }

    /// <summary>Refuses a device other than the CPU, or says that the CPU computes.</summary>
    /// <param name="what">What only the CPU computes.</param>
    /// <exception cref="BitisException">Another device was asked for, and no fallback.</exception>
    internal virtual void RequireCpu(string what)
    {
    }
}
