namespace Bitis.Kernels.Dispatch;

/// <summary>How many threads a caller may ask for.</summary>
internal static class ThreadCount
{
    /// <summary>
    /// The most threads that one piece of work takes: the system ends a process that starts too many.
    /// </summary>
    public const int Limit = 1024;

    /// <summary>The number of threads that a request stands for.</summary>
    /// <param name="requested">The request; 0 for one on each processor.</param>
    /// <exception cref="BitisException">It is negative or above <see cref="Limit"/>.</exception>
    internal static int Resolve(int requested)
    {
        if (requested is < 0 or > Limit)
        {
            throw new BitisException(
                $"{requested} threads were asked for; expected 1 to {Limit}, or 0 for one on each processor.");
        }
        return requested == 0 ? Math.Min(Environment.ProcessorCount, Limit) : requested;
    }
}
