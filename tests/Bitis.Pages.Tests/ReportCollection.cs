namespace Bitis.Pages.Tests;

/// <summary>The tests that share samples, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class ReportCollection : ICollectionFixture<ReportSamples>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "reports";
}
