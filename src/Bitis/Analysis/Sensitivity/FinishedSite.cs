namespace Bitis.Analysis.Sensitivity;

/// <summary>A finished site on disk.</summary>
/// <param name="Identity">A digest of model, recipe and images.</param>
/// <param name="Site">The site's name.</param>
/// <param name="Effects">Its exact runs.</param>
internal sealed record FinishedSite(string Identity, string Site, ExactEffects Effects);
