using Bitis.Kernels.Dispatch;

namespace Bitis.Benchmarks.Peer;

/// <summary>Several products of one input, divided among threads as the runtime does it.</summary>
internal abstract class Products(int units, int count) : IDisposable
{
    public void Run(WorkerPool pool)
    {
        int parts = pool.ThreadCount;
        for (int i = 0; i < count; i++)
        {
            int layer = i;
            pool.Run(parts, part => RunUnits(layer, units * part / parts, units * (part + 1) / parts));
        }
    }

    public abstract void Dispose();

    protected abstract void RunUnits(int layer, int start, int end);
}
