using System.Globalization;
using Bitis.Execution.LowBit;

namespace Bitis.Benchmarks;

/// <summary>Policies of the backward pass as a word: <c>hlq</c>, <c>hlq:16</c>, <c>hlq:16:4:8</c>.</summary>
/// <remarks>
/// A method, its rank, the bits of kept inputs and of the input's gradient, where they are not the usual ones.
/// </remarks>
internal static class BackwardPolicyText
{
    /// <exception cref="BitisException">The text is no policy.</exception>
    public static BackwardPolicy Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 4)
            throw new BitisException($"'{text}' has more parts than METHOD:RANK:BITS:GRADIENTBITS.");
        var policy = new BackwardPolicy { Method = parts[0] };
        if (parts.Length > 1)
            policy = policy with { Rank = ParseNumber(text, parts[1]) };
        if (parts.Length > 2)
            policy = policy with { ActivationBits = ParseNumber(text, parts[2]) };
        if (parts.Length > 3)
            policy = policy with { GradientBits = ParseNumber(text, parts[3]) };
        policy.Validate();
        return policy;
    }

    private static int ParseNumber(string text, string part) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new BitisException(
                $"'{part}' in '{text}' is not a whole number; expected METHOD:RANK:BITS:GRADIENTBITS.");
}
