namespace Bitis.Pages.Tests;

/// <summary>A test in a browser. Shows as skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    /// <summary>Skips the test without a browser.</summary>
    public BrowserFactAttribute()
    {
        if (Browser.Program is null)
            Skip = "There is no chromium here (apt-get install chromium).";
    }
}
