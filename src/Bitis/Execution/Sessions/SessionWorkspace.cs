using System.Diagnostics;
using Bitis.Execution.Planning;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Sessions;

/// <summary>The memory that one call of a session writes to: an arena for each of its threads.</summary>
/// <remarks>
/// Calls only read the plan, so several workspaces run it at once. A workspace serves one call after the other.
/// </remarks>
internal sealed unsafe class SessionWorkspace : IDisposable
{
    private readonly Plan _plan;
    private readonly int _imageLength;
    private readonly int _outputLength;
    private readonly Arena[] _arenas;
    private readonly Action<int> _runPartOfOperation;
    private readonly Action<int> _runShareOfBatch;

    // The work of the threads during a call.
    private WorkerPool? _pool;
    private CompiledOperation? _operation;
    private float* _images;
    private float* _logits;
    private int _shared;
    private CancellationToken _cancellationToken;

    /// <summary>
    /// Creates a workspace. The arena of a thread is reserved when it is first needed, and then kept.
    /// </summary>
    /// <param name="plan">The plan that calls compute.</param>
    /// <param name="threads">The most threads of one call.</param>
    public SessionWorkspace(Plan plan, int threads)
    {
        _plan = plan;
        ArenaMatrix input = plan.Inputs[0];
        _imageLength = input.Rows * input.Columns;
        _outputLength = plan.Output.Rows * plan.Output.Columns;
        _arenas = new Arena[threads];
        _runPartOfOperation = RunPartOfOperation;
        _runShareOfBatch = RunShareOfBatch;
    }

    /// <summary>How many arenas calls have needed so far.</summary>
    public int Arenas => _arenas.Count(arena => arena is not null);

    /// <summary>Computes the output of a batch: logits, or a map of them.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="logits">Receives the output, <c>[batch, rows, columns]</c>.</param>
    /// <param name="pool">The threads that compute, at most those of the workspace.</param>
    /// <param name="cancellationToken">Ends the work between two images.</param>
    public void Run(
        ReadOnlySpan<float> images, Span<float> logits, WorkerPool pool, CancellationToken cancellationToken)
    {
        int batch = logits.Length / _outputLength, threads = pool.ThreadCount;
        fixed (float* input = images, output = logits)
        {
            try
            {
                _images = input;
                _logits = output;
                (_pool, _cancellationToken) = (pool, cancellationToken);
                // Each thread computes an image of its own. The threads share the images that are left over.
                _shared = batch - batch % threads;
                pool.Run(_shared == 0 ? 0 : threads, _runShareOfBatch);
                for (int image = _shared; image < batch; image++)
                    RunImage(image);
            }
            finally
            {
                End();
            }
        }
    }

    /// <summary>
    /// Runs an image as <see cref="Run"/> does with a single one, and tells how long each operation took.
    /// </summary>
    /// <param name="image">Normalized pixels, <c>[channels, height, width]</c>.</param>
    /// <param name="pool">The threads that compute, at most those of the workspace.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    public IReadOnlyList<OperationTime> Profile(
        ReadOnlySpan<float> image, WorkerPool pool, CancellationToken cancellationToken)
    {
        var times = new List<OperationTime>(_plan.Operations.Length);
        fixed (float* input = image)
        {
            try
            {
                _images = input;
                _pool = pool;
                ReadImage(0, Arena(0));
                foreach (CompiledOperation operation in _plan.Operations)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    long start = Stopwatch.GetTimestamp();
                    RunOperation(operation);
                    times.Add(new OperationTime(
                        operation.Name, operation.Kind, Stopwatch.GetElapsedTime(start)));
                }
            }
            finally
            {
                End();
            }
        }
        return times;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Arena? arena in _arenas)
            arena?.Dispose();
    }

    /// <summary>Drops the references to the caller's memory and threads.</summary>
    private void End()
    {
        _images = null;
        _logits = null;
        (_pool, _operation, _cancellationToken) = (null, null, default);
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
        _pool!.Run(Math.Min(_pool.ThreadCount, operation.Units), _runPartOfOperation);
    }

    private void RunPartOfOperation(int part)
    {
        CompiledOperation operation = _operation!;
        int parts = Math.Min(_pool!.ThreadCount, operation.Units);
        int start = (int)((long)operation.Units * part / parts);
        int end = (int)((long)operation.Units * (part + 1) / parts);
        operation.Run(Arena(0), start, end);
    }

    /// <summary>Runs every n-th image of the shared part of the batch, alone.</summary>
    private void RunShareOfBatch(int thread)
    {
        ArenaAddresses arena = Arena(thread);
        for (int image = thread; image < _shared; image += _pool!.ThreadCount)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            ReadImage(image, arena);
            foreach (CompiledOperation operation in _plan.Operations)
                operation.Run(arena, 0, operation.Units);
            WriteLogits(image, arena);
        }
    }

    private void ReadImage(int image, ArenaAddresses arena) =>
        new ReadOnlySpan<float>(_images + ((nint)image * _imageLength), _imageLength)
            .CopyTo(new Span<float>(_plan.Inputs[0].Pointer(arena), _imageLength));

    private void WriteLogits(int image, ArenaAddresses arena)
    {
        ArenaMatrix output = _plan.Output;
        float* target = _logits + ((nint)image * _outputLength);
        for (int row = 0; row < output.Rows; row++, target += output.Columns)
            output.MemoryRow(arena, row).CopyTo(new Span<float>(target, output.Columns));
    }

    private ArenaAddresses Arena(int thread) => (_arenas[thread] ??= new Arena(_plan.Layout)).Addresses;
}
