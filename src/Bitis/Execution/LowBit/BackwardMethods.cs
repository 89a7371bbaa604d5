using Bitis.Kernels.Rounding;

namespace Bitis.Execution.LowBit;

/// <summary>The methods that a <see cref="BackwardPolicy"/> can name (docs/hlq.md).</summary>
internal static class BackwardMethods
{
    /// <summary>All methods: the exact one, HLQ, its two halves, and the methods that it is compared with.</summary>
    internal static IReadOnlyList<BackwardMethod> All { get; } =
    [
        new("exact", GradientArithmetic.Exact, GradientArithmetic.Exact),
        new(
            "hlq", new GradientArithmetic(4, Hadamard: true), new GradientArithmetic(8, LowRank: true),
            BackwardPolicy.FullRank),
        new("hadamard", new GradientArithmetic(4, Hadamard: true), GradientArithmetic.Exact),
        new("low-rank", GradientArithmetic.Exact, new GradientArithmetic(8, LowRank: true)),
        new("int8", new GradientArithmetic(8), new GradientArithmetic(8)),
        new("int4", new GradientArithmetic(4), new GradientArithmetic(4)),
        new("lbp-wht", new GradientArithmetic(LowRank: true), new GradientArithmetic(LowRank: true)),
        new(
            "luq", new GradientArithmetic(4, LevelRounding.Logarithmic),
            new GradientArithmetic(4, LevelRounding.Logarithmic)),
    ];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];

    /// <summary>The method with a name.</summary>
    /// <exception cref="BitisException">There is no such method; the message lists them.</exception>
    internal static BackwardMethod Find(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new BitisException(
            $"There is no backward method '{name}'; the methods are {string.Join(", ", Names)}.");
}
