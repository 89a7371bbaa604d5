using Bitis.Execution.Planning;

namespace Bitis.Execution.Sessions.Maps;

/// <summary>The plans of a model for images of several sizes.</summary>
/// <remarks>Few sizes are kept, the last ones used. Memory of another size is freed when its last call ends.</remarks>
/// <param name="create">Plans a size.</param>
/// <param name="threads">The most threads of one call.</param>
internal sealed class PlansBySize(Func<int, int, Plan> create, int threads) : IDisposable
{
    /// <summary>How many sizes are kept: photographs are wide or high.</summary>
    public const int Kept = 2;

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = []; // the last one used is the last
    private bool _isDisposed;

    /// <summary>How many sizes there are now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>The plan of a size, for a call that returns it.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public Entry Rent(int height, int width)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(SegmentationSession));
            Entry? entry = _entries.Find(entry => entry.Size == (height, width));
            if (entry is null)
                entry = new Entry((height, width), create(height, width), threads);
            else
                _entries.Remove(entry);
            _entries.Add(entry);
            entry.Users++;
            while (_entries.Count > Kept)
                Drop(_entries[0]);
            return entry;
        }
    }

    /// <summary>Ends the use of a plan.</summary>
    public void Return(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            if (entry.Users == 0 && !_entries.Contains(entry))
                entry.Workspaces.Dispose();
        }
    }

    /// <summary>Frees the memory. That of running calls is freed when they end.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_entries.Count > 0)
                Drop(_entries[0]);
        }
    }

    private void Drop(Entry entry)
    {
        _entries.Remove(entry);
        if (entry.Users == 0)
            entry.Workspaces.Dispose();
    }

    /// <summary>A plan with the memory that its calls work in.</summary>
    internal sealed class Entry((int Height, int Width) size, Plan plan, int threads)
    {
        /// <summary>The size of the images.</summary>
        public (int Height, int Width) Size { get; } = size;

        /// <summary>The plan.</summary>
        public Plan Plan { get; } = plan;

        /// <summary>The memory that calls work in.</summary>
        public WorkspacePool<SessionWorkspace> Workspaces { get; } =
            new(() => new SessionWorkspace(plan, threads), CpuEngine.MostCalls);

        /// <summary>The calls that use it now.</summary>
        public int Users { get; set; }
    }
}
