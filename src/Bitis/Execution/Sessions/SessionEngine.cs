using Bitis.Execution.Planning;

namespace Bitis.Execution.Sessions;

/// <summary>A model on a device, ready to compute. The session has checked what it is given.</summary>
internal abstract class SessionEngine : IDisposable
{
    /// <summary>The name of the device.</summary>
    public abstract string Device { get; }

    /// <summary>What the floats of a float model are: <c>float32</c>.</summary>
    public abstract string Floats { get; }

    /// <summary>How many threads compute a lone call.</summary>
    public abstract int Threads { get; }

    /// <summary>The bytes of the weights in the device's memory.</summary>
    public abstract long WeightBytes { get; }

    /// <summary>Computes the logits of a batch, and waits its turn by blocking.</summary>
    /// <param name="images">Normalized pixels, image after image.</param>
    /// <param name="logits">Receives the logits, image after image.</param>
    /// <param name="cancellationToken">Ends the wait, or the work between two images.</param>
    public abstract void Run(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken);

    /// <summary>As <see cref="Run"/>, but waiting blocks no thread.</summary>
    public abstract ValueTask RunAsync(FloatTensor images, FloatTensor logits, CancellationToken cancellationToken);

    /// <summary>Runs one image, and times each operation.</summary>
    public abstract IReadOnlyList<OperationTime> Profile(FloatTensor image, CancellationToken cancellationToken);

    /// <summary>Refuses new and waiting calls, waits for running ones, and frees the memory.</summary>
    public abstract void Dispose();
}
