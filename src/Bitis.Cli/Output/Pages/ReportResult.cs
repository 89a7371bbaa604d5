using Bitis.Cli.Output.Results;

namespace Bitis.Cli.Output.Pages;

/// <summary>The result of <c>bitis report</c>.</summary>
/// <param name="Output">The page.</param>
/// <param name="FileBytes">Its size.</param>
/// <param name="Sections">The titles of its sections.</param>
internal sealed record ReportResult(string Output, long FileBytes, IReadOnlyList<string> Sections) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(("page", Output), ("size", Format.Bytes(FileBytes)));
        report.Line();
        foreach (string section in Sections)
            report.Line($"  {section}");
        report.Line();
        report.Line("Open it in a browser. It needs no network.");
    }
}
