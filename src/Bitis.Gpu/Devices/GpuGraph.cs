namespace Bitis.Gpu.Devices;

/// <summary>Launches that were recorded once and run as often as one likes.</summary>
internal abstract class GpuGraph : IDisposable
{
    /// <summary>Runs all launches in order. It may return before they end; reading a buffer waits.</summary>
    public abstract void Run();

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the graph.</summary>
    protected abstract void Dispose(bool disposing);
}
