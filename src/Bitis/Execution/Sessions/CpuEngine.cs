using Bitis.Execution.Planning;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Sessions;

/// <summary>A model on the processors: a plan that all calls read, and workspaces that they write to.</summary>
internal sealed class CpuEngine : SessionEngine
{
    /// <summary>The name of the device.</summary>
    public const string DeviceName = "CPU";

    /// <summary>The most calls at a time. More would only take memory, since each takes a processor.</summary>
    public const int MostCalls = 4;

    /// <summary>The images on each thread after which a long call rents its share of the processors again.</summary>
    private const int ImagesPerShare = 16;

    private readonly int _imageLength, _classes;

    /// <summary>Creates the engine.</summary>
    /// <param name="plan">The plan, which the engine owns.</param>
    /// <param name="threads">The most threads of one call.</param>
    public CpuEngine(Plan plan, int threads)
    {
        ArenaMatrix input = plan.Inputs[0];
        (Plan, Threads) = (plan, threads);
        (_imageLength, _classes) = (input.Rows * input.Columns, plan.Output.Columns);
        Workspaces = new WorkspacePool<SessionWorkspace>(() => new SessionWorkspace(plan, threads), MostCalls);
    }

    /// <inheritdoc />
    public override string Device => DeviceName;

    /// <inheritdoc />
    public override string Floats => "float32";

    /// <inheritdoc />
    public override int Threads { get; }

    /// <inheritdoc />
    public override long WeightBytes =>
        Plan.Operations.SelectMany(operation => operation.Weights).Distinct().Sum(weights => weights.Bytes);

    /// <summary>The compiled model.</summary>
    public Plan Plan { get; }

    /// <summary>The memory that calls work in.</summary>
    public WorkspacePool<SessionWorkspace> Workspaces { get; }

    /// <inheritdoc />
    public override void Run(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken) =>
        Run(Workspaces.Rent(cancellationToken), images, logits, cancellationToken);

    /// <inheritdoc />
    public override async ValueTask RunAsync(
        FloatTensor images, FloatTensor logits, CancellationToken cancellationToken)
    {
        SessionWorkspace workspace = await Workspaces.RentAsync(cancellationToken).ConfigureAwait(false);
        Run(workspace, images.Span, logits.Span, cancellationToken);
    }

    /// <inheritdoc />
    public override IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken)
    {
        SessionWorkspace workspace = Workspaces.Rent(cancellationToken);
        try
        {
            WorkerPool pool = WorkerPool.RentShare(Threads);
            try
            {
                return workspace.Profile(image.Span, pool, cancellationToken);
            }
            finally
            {
                WorkerPool.ReturnShare(pool);
            }
        }
        finally
        {
            Workspaces.Return(workspace);
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        Workspaces.Dispose();
        Plan.Dispose();
    }

    /// <summary>Computes a batch in a workspace and returns the workspace.</summary>
    private void Run(
        SessionWorkspace workspace, ReadOnlySpan<float> images, Span<float> logits,
        CancellationToken cancellationToken)
    {
        try
        {
            int batch = logits.Length / _classes;
            for (int start = 0, count; start < batch; start += count)
            {
                count = Math.Min(batch - start, Threads * ImagesPerShare);
                WorkerPool pool = WorkerPool.RentShare(Threads);
                try
                {
                    workspace.Run(
                        images.Slice(start * _imageLength, count * _imageLength),
                        logits.Slice(start * _classes, count * _classes),
                        pool,
                        cancellationToken);
                }
                finally
                {
                    WorkerPool.ReturnShare(pool);
                }
            }
        }
        finally
        {
            Workspaces.Return(workspace);
        }
    }
}
