namespace Bitis.Json;

/// <summary>
/// JSON that does not fit its type. Readers add file and advice, and throw a <see cref="BitisException"/>.
/// </summary>
internal sealed class StrictJsonException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="path">Where the problem is: <c>scans.x[2].bits</c>; empty for the whole.</param>
    /// <param name="line">The line there, from 1 on.</param>
    /// <param name="problem">What was found: <c>null was found</c>.</param>
    /// <param name="expected">
    /// What was expected instead: <c>a whole number</c>; null if the problem is clear without it.
    /// </param>
    /// <param name="cause">The exception that caused it, if any.</param>
    public StrictJsonException(string path, int line, string problem, string? expected, Exception? cause = null)
        : base(Describe(path, problem, expected), cause)
    {
        Path = path;
        Line = line;
        Problem = problem;
        Expected = expected;
    }

    /// <summary>Where the problem is: <c>scans.x[2].bits</c>; empty for the whole.</summary>
    public string Path { get; }

    /// <summary>The line there, from 1 on.</summary>
    public int Line { get; }

    /// <summary>What was found.</summary>
    public string Problem { get; }

    /// <summary>What was expected instead; null if the problem is clear without it.</summary>
    public string? Expected { get; }

    private static string Describe(string path, string problem, string? expected)
    {
        string place = path.Length == 0 ? "" : $"{DisplayText.Of(path)}: ";
        return $"{place}{problem}{(expected is null ? "" : $"; expected {expected}")}";
    }
}
