namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Changes of a kernel's text that tests must notice.</summary>
internal static class Mutation
{
    /// <summary>Replaces one occurrence of a text.</summary>
    /// <param name="text">The kernel.</param>
    /// <param name="old">What is replaced.</param>
    /// <param name="replacement">By what.</param>
    /// <param name="occurrence">Which occurrence, from 1.</param>
    public static string Replace(string text, string old, string replacement, int occurrence)
    {
        int at = -1;
        for (int i = 0; i < occurrence; i++)
            at = text.IndexOf(old, at + 1, StringComparison.Ordinal);
        Assert.True(at >= 0);
        int end = replacement.Length == 0 ? text.IndexOf('\n', at) : at + old.Length; // a whole line, or a word
        return text[..at] + replacement + text[end..];
    }
}
