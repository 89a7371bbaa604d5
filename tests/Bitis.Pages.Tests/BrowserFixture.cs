using Bitis.Tests.Cli;
using Microsoft.Playwright;

namespace Bitis.Pages.Tests;

/// <summary>A page with everything that a report can show, and a browser that opens it.</summary>
public sealed class BrowserFixture(ReportSamples samples) : IAsyncLifetime
{
    private IPlaywright? _driver;
    private IBrowser? _browser;

    /// <summary>The file.</summary>
    private string File { get; set; } = "";

    /// <summary>A page of a model that segments, whose scans are quantized.</summary>
    internal string Maps { get; private set; } = "";

    /// <summary>Writes the page and starts the browser.</summary>
    public async Task InitializeAsync()
    {
        if (Browser.Program is null)
            return;
        File = samples["all.html"];
        CliRunner.Run(
            [
                "report", .. samples.Results, samples.WriteHostile(), samples.Training, samples.Quantized,
                "--calibration", "builtin/train", "--images", "2", "--data", "builtin/test", "--limit", "50",
                "--baseline", "vim-micro-builtin", "-o", File,
            ]).AssertSucceeded();
        Maps = samples["maps.html"];
        CliRunner.Run(
            "report", samples.Segmenter, "--calibration", "builtin-masks/train", "--images", "1", "--data",
            "builtin-masks/test", "--limit", "3", "--baseline", ReportSamples.SegmentingModel, "-o", Maps)
            .AssertSucceeded();
        _driver = await Playwright.CreateAsync();
        _browser = await _driver.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Browser.Program,
            Args = ["--no-sandbox"], // Containers run as root. The page is ours.
        });
    }

    /// <summary>Opens the page. Its messages are collected.</summary>
    /// <param name="width">The window's width.</param>
    /// <param name="scheme">What the system prefers.</param>
    /// <param name="file">Another page; null for that with everything.</param>
    internal async Task<(IPage Page, List<string> Messages)> OpenAsync(
        int width = 1100, ColorScheme scheme = ColorScheme.Light, string? file = null)
    {
        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            Permissions = ["clipboard-read", "clipboard-write"],
            Offline = true,
        });
        IPage page = await context.NewPageAsync();
        List<string> messages = [];
        page.Console += (_, message) => messages.Add(message.Text);
        page.PageError += (_, error) => messages.Add(error);
        page.Dialog += (_, dialog) => messages.Add(dialog.Message);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("file:", StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal))
            {
                messages.Add($"asks for {request.Url}");
            }
        };
        await page.GotoAsync(new Uri(file ?? File).AbsoluteUri);
        return (page, messages);
    }

    /// <summary>Closes the browser.</summary>
    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _driver?.Dispose();
    }
}
