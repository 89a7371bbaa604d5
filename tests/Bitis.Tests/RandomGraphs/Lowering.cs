namespace Bitis.Tests.RandomGraphs;

/// <summary>Whether tests run that need a lowering which gets every graph right.</summary>
internal static class Lowering
{
    /// <summary>Why they do not; null for all to run.</summary>
    private const string? Reason = null;

    /// <summary>What xUnit shows for them; asking for random graphs (<c>BITIS_GRAPHS</c>) runs them all the same.</summary>
    public static string? Skip => Environment.GetEnvironmentVariable("BITIS_GRAPHS") is null ? Reason : null;
}
