using Bitis.Fuzz;

namespace Bitis.Tests;

/// <summary>
/// A sample of what <c>tests/Bitis.Fuzz</c> does: changed files whose digest is right are used, or refused with a
/// <see cref="BitisException"/>. <c>BITIS_FUZZ=n</c> runs n cases.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class FuzzTests
{
    private static readonly int Cases = int.TryParse(
        Environment.GetEnvironmentVariable("BITIS_FUZZ"), out int cases) ? cases : 500;

    [Fact]
    public void Changed_files_are_used_or_refused()
    {
        using var fuzzer = new Fuzzer();
        var counts = new Dictionary<FuzzOutcomeKind, int>();
        for (int seed = 0; seed < Cases; seed++)
        {
            FuzzOutcome outcome = fuzzer.Run(seed);
            Assert.False(outcome.Kind == FuzzOutcomeKind.Fault, $"case {seed} ({outcome.Target}): {outcome.Text}");
            counts[outcome.Kind] = counts.GetValueOrDefault(outcome.Kind) + 1;
        }
        // Mutations that are all refused, or all harmless, would find nothing.
        Assert.InRange(counts[FuzzOutcomeKind.Result], Cases / 20, Cases);
        Assert.InRange(counts[FuzzOutcomeKind.Refused], Cases / 20, Cases);
    }
}
