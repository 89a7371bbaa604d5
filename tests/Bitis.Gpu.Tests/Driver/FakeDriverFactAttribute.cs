namespace Bitis.Gpu.Tests.Driver;

/// <summary>A test that compiles a driver without a GPU; skipped where there is no C compiler.</summary>
public sealed class FakeDriverFactAttribute : FactAttribute
{
    /// <summary>Decides whether the test can run.</summary>
    public FakeDriverFactAttribute() => Skip = FakeDriver.WhyNot;
}
