using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Graphs;

namespace Bitis.Gpu.Sessions;

/// <summary>A model on a GPU. Calls run one after the other, first come, first served.</summary>
internal sealed class GpuEngine : SessionEngine
{
    private readonly WorkspacePool<GpuWorkspace> _workspaces;
    private readonly long _weightBytes;

    private GpuEngine(ComputeDevice device, GpuWorkspace workspace)
    {
        Device = device;
        _weightBytes = workspace.WeightBytes;
        _workspaces = new WorkspacePool<GpuWorkspace>(() => workspace, limit: 1);
        // The pool frees what it has lent once.
        _workspaces.Return(_workspaces.Rent(CancellationToken.None));
    }

    /// <inheritdoc />
    public override ComputeDevice Device { get; }

    /// <inheritdoc />
    public override int Threads => 1;

    /// <inheritdoc />
    public override long WeightBytes => _weightBytes;

    /// <summary>Plans a model.</summary>
    /// <param name="device">What the session says that it uses.</param>
    /// <param name="open">Opens the device.</param>
    /// <param name="graph">The model's graph.</param>
    /// <param name="cancellationToken">Ends the work before it begins.</param>
    /// <param name="plan">Makes a plan for a number of images on an open device, which the plan owns.</param>
    /// <exception cref="BitisException">The device cannot compute the model.</exception>
    public static GpuEngine Open(
        ComputeDevice device, Func<GpuDevice> open, Graph graph, CancellationToken cancellationToken,
        Func<GpuDevice, int, GpuPlan> plan)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new GpuEngine(device, new GpuWorkspace(open, graph, plan));
    }

    /// <inheritdoc />
    public override void Run(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken)
    {
        GpuWorkspace workspace = _workspaces.Rent(cancellationToken);
        try
        {
            workspace.Run(images, logits, cancellationToken);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc />
    public override async ValueTask RunAsync(
        FloatTensor images, FloatTensor logits, CancellationToken cancellationToken)
    {
        GpuWorkspace workspace = await _workspaces.RentAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            workspace.Run(images.Span, logits.Span, cancellationToken);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc />
    public override IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken)
    {
        GpuWorkspace workspace = _workspaces.Rent(cancellationToken);
        try
        {
            return workspace.Profile(image.Span);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc />
    public override void Dispose() => _workspaces.Dispose();
}
