using System.Diagnostics;
using Bitis.Execution.Planning;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Execution.Sessions;

/// <summary>
/// What one call of a session writes to: an arena for each thread, and what the threads work on. The plan is only read,
/// so any number of workspaces may run it at once; a workspace serves one call after the other.
/// </summary>
internal sealed class SessionWorkspace : IDisposable
{
    private readonly Plan _plan;
    private readonly int _threads;
    private readonly Arena[] _arenas;
    private readonly Action<int> _runPartOfOperation;
    private readonly Action<int> _runShareOfBatch;

    // What the threads work on during a call.
    private WorkerPool? _pool;
    private CompiledOperation? _operation;
    private Tensor? _images;
    private Tensor? _logits;
    private int _shared;
    private CancellationToken _cancellationToken;

    /// <summary>Prepares calls; the memory is reserved by the first one.</summary>
    /// <param name="plan">What they compute.</param>
    /// <param name="threads">How many threads compute.</param>
    public SessionWorkspace(Plan plan, int threads)
    {
        _plan = plan;
        _threads = threads;
        _arenas = new Arena[threads];
        _runPartOfOperation = RunPartOfOperation;
        _runShareOfBatch = RunShareOfBatch;
    }

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="logits">Where they go, <c>[batch, classes]</c>.</param>
    /// <param name="cancellationToken">Ends the work between two images.</param>
    public void Run(Tensor images, Tensor logits, CancellationToken cancellationToken)
    {
        int batch = images.Shape[0];
        Begin(images);
        try
        {
            (_logits, _cancellationToken) = (logits, cancellationToken);
            // As many images as there are threads run side by side, one on each; the threads share the images left
            // over.
            _shared = batch - batch % _threads;
            _pool!.Run(_shared == 0 ? 0 : _threads, _runShareOfBatch);
            for (int image = _shared; image < batch; image++)
                RunImage(image);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Runs an image as <see cref="Run"/> does with a single one, and tells how long each operation took.</summary>
    public IReadOnlyList<OperationTime> Profile(Tensor image)
    {
        var times = new List<OperationTime>(_plan.Operations.Count);
        Begin(image);
        try
        {
            ReadImage(0, Arena(0));
            foreach (CompiledOperation operation in _plan.Operations)
            {
                long start = Stopwatch.GetTimestamp();
                RunOperation(operation);
                times.Add(new OperationTime(operation.Name, operation.Kind, Stopwatch.GetElapsedTime(start)));
            }
        }
        finally
        {
            End();
        }
        return times;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Arena? arena in _arenas)
            arena?.Dispose();
    }

    private void Begin(Tensor images)
    {
        _images = images;
        _pool = WorkerPool.Rent(_threads);
    }

    private void End()
    {
        WorkerPool.Return(_pool!);
        (_pool, _images, _logits, _operation, _cancellationToken) = (null, null, null, null, default);
    }

    /// <summary>Runs one image, with all threads on each operation.</summary>
    private void RunImage(int image)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        ArenaAddresses arena = Arena(0);
        ReadImage(image, arena);
        foreach (CompiledOperation operation in _plan.Operations)
            RunOperation(operation);
        WriteLogits(image, arena);
    }

    private void RunOperation(CompiledOperation operation)
    {
        _operation = operation;
        _pool!.Run(Math.Min(_threads, operation.Units), _runPartOfOperation);
    }

    private void RunPartOfOperation(int part)
    {
        CompiledOperation operation = _operation!;
        int parts = Math.Min(_threads, operation.Units);
        operation.Run(Arena(0), (int)((long)operation.Units * part / parts), (int)((long)operation.Units * (part + 1) / parts));
    }

    /// <summary>Runs every n-th image of the shared part of the batch, alone.</summary>
    private void RunShareOfBatch(int thread)
    {
        ArenaAddresses arena = Arena(thread);
        for (int image = thread; image < _shared; image += _threads)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            ReadImage(image, arena);
            foreach (CompiledOperation operation in _plan.Operations)
                operation.Run(arena, 0, operation.Units);
            WriteLogits(image, arena);
        }
    }

    private unsafe void ReadImage(int image, ArenaAddresses arena)
    {
        int size = _images!.Length / _images.Shape[0];
        _images.Span.Slice(image * size, size).CopyTo(new Span<float>(_plan.Inputs[0].Pointer(arena), size));
    }

    private void WriteLogits(int image, ArenaAddresses arena)
    {
        int classes = _logits!.Shape[1];
        _plan.Output.MemoryRow(arena, 0).CopyTo(_logits.Span[(image * classes)..]);
    }

    private ArenaAddresses Arena(int thread) => (_arenas[thread] ??= new Arena(_plan.Layout)).Addresses;
}
