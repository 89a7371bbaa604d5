using Bitis.Execution.Sessions;

namespace Bitis.Tests.Runtime;

/// <summary>How a pool frees its workspaces.</summary>
public sealed class WorkspacePoolTests
{
    [Fact]
    public void All_workspaces_are_freed_once_and_the_first_failure_is_thrown()
    {
        var freed = new List<int>();
        int created = 0;
        WorkspacePool<Workspace> pool = null!;
        pool = new WorkspacePool<Workspace>(
            () =>
            {
                int number = created++;
                return new Workspace(() =>
                {
                    freed.Add(number);
                    // The lock is free: another thread hears at once that the pool is disposed of.
                    Assert.Throws<ObjectDisposedException>(() => OnThread(() => pool.Rent(CancellationToken.None)));
                    if (number > 0)
                        throw new InvalidOperationException($"{number} fails");
                });
            },
            limit: 3);
        Workspace[] lent = [.. Enumerable.Range(0, 3).Select(_ => pool.Rent(CancellationToken.None))];
        foreach (Workspace workspace in lent)
            pool.Return(workspace);
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(pool.Dispose);
        Assert.Equal([0, 1, 2], freed.Order());
        Assert.Equal($"{freed.First(number => number > 0)} fails", e.Message);
        pool.Dispose();
        Assert.Equal(3, freed.Count);
    }

    private static void OnThread(Action call)
    {
        Task task = Task.Factory.StartNew(
            call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        task.WaitAsync(TimeSpan.FromMinutes(1)).GetAwaiter().GetResult();
    }

    private sealed class Workspace(Action free) : IDisposable
    {
        public void Dispose() => free();
    }
}
