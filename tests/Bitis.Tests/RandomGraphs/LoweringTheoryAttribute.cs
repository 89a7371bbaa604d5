namespace Bitis.Tests.RandomGraphs;

/// <summary>A theory that may wait for the lowering (<see cref="Lowering"/>).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LoweringTheoryAttribute : TheoryAttribute
{
    /// <summary>Skips the theory where it waits.</summary>
    public LoweringTheoryAttribute() => Skip = Lowering.Skip;
}
