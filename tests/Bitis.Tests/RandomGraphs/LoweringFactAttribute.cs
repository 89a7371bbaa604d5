namespace Bitis.Tests.RandomGraphs;

/// <summary>A test that may wait for the lowering (<see cref="Lowering"/>).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LoweringFactAttribute : FactAttribute
{
    /// <summary>Skips the test where it waits.</summary>
    public LoweringFactAttribute() => Skip = Lowering.Skip;
}
