namespace Bitis.Gpu.Tests.Driver;

/// <summary>As <see cref="FakeDriverFactAttribute"/>, for several cases.</summary>
public sealed class FakeDriverTheoryAttribute : TheoryAttribute
{
    /// <summary>Decides whether the test can run.</summary>
    public FakeDriverTheoryAttribute() => Skip = FakeDriver.WhyNot;
}
