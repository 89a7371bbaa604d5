using System.Globalization;
using Bitis.Execution.LowBit;

namespace Bitis.Benchmarks;

/// <summary>Policies of the backward pass as a word: a method, its rank and the bits of kept inputs where they are not the usual ones: <c>hlq</c>, <c>hlq:16</c>, <c>hlq:16:4</c>.</summary>
internal static class BackwardPolicyText
{
    public static BackwardPolicy Parse(string text)
    {
        string[] parts = text.Split(':');
        var policy = new BackwardPolicy { Method = parts[0] };
        if (parts.Length > 1)
            policy = policy with { Rank = int.Parse(parts[1], CultureInfo.InvariantCulture) };
        if (parts.Length > 2)
            policy = policy with { ActivationBits = int.Parse(parts[2], CultureInfo.InvariantCulture) };
        policy.Validate();
        return policy;
    }
}
