namespace Bitis.Tests.RandomGraphs;

/// <summary>A test that waits for a lowering that gets every graph right; asking for random graphs (<c>BITIS_GRAPHS</c>) runs it all the same.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LoweringFactAttribute : FactAttribute
{
    /// <summary>Why such tests do not run; null for all to run.</summary>
    private const string? Reason = "lowering";

    /// <summary>Skips the test, unless nothing speaks against it.</summary>
    public LoweringFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("BITIS_GRAPHS") is null)
            Skip = Reason;
    }
}
