using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;

namespace Bitis.Gpu.Sessions;

/// <summary>A model on a GPU. Calls run one after the other, first come, first served.</summary>
internal sealed class GpuEngine : SessionEngine
{
    private readonly WorkspacePool<GpuWorkspace> _workspaces;
    private readonly long _weightBytes;

    /// <summary>Creates the engine.</summary>
    /// <param name="device">The name of the device.</param>
    /// <param name="precision">What it computes in where the model has no levels.</param>
    /// <param name="workspace">The plans, which the engine owns.</param>
    public GpuEngine(string device, FloatPrecision precision, GpuWorkspace workspace)
    {
        Device = device;
        Floats = precision switch
        {
            FloatPrecision.Float16 => "float16",
            FloatPrecision.Float16States => "float16, states too",
            _ => "float32",
        };
        _weightBytes = workspace.WeightBytes;
        _workspaces = new WorkspacePool<GpuWorkspace>(() => workspace, limit: 1);
        // The pool frees what it has lent once.
        _workspaces.Return(_workspaces.Rent(CancellationToken.None));
    }

    /// <inheritdoc />
    public override string Device { get; }

    /// <inheritdoc />
    public override string Floats { get; }

    /// <inheritdoc />
    public override int Threads => 1;

    /// <inheritdoc />
    public override long WeightBytes => _weightBytes;

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
