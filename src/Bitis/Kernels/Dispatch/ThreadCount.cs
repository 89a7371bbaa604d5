namespace Bitis.Kernels.Dispatch;

/// <summary>Resolves the number of threads that a caller requests.</summary>
internal static class ThreadCount
{
    /// <summary>The most threads of one piece of work. The system ends a process that starts too many.</summary>
    public const int Limit = 1024;

    /// <summary>The number of threads for a request.</summary>
    /// <param name="requested">The request; 0 for one on each processor.</param>
    /// <exception cref="BitisException">The request is negative or above <see cref="Limit"/>.</exception>
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
