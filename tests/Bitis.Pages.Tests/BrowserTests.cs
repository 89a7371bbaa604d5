using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Bitis.Pages.Tests;

/// <summary>A report in a browser: it draws, reacts, and can be read by everybody.</summary>
[Collection(ReportCollection.Name)]
public sealed class BrowserTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private const string Shapes = "path, text, rect", Loss = "Loss", Sensitive = "The most sensitive sites";

    [BrowserFact]
    public async Task Every_chart_is_drawn_without_a_message()
    {
        (IPage page, List<string> messages) = await browser.OpenAsync();
        IReadOnlyList<ILocator> plots = await page.Locator(".plot").AllAsync();
        Assert.True(plots.Count > 20, $"{plots.Count} charts");
        foreach (ILocator plot in plots)
        {
            Assert.True(await plot.Locator("svg").Locator(Shapes).CountAsync() > 5, await plot.InnerTextAsync());
            Assert.DoesNotContain("NaN", await plot.InnerHTMLAsync());
        }
        Assert.Empty(messages);
    }

    [BrowserFact]
    public async Task Every_choice_can_be_drawn()
    {
        (IPage page, List<string> messages) = await browser.OpenAsync();
        ILocator figure = Figure(page, "Weights"), table = figure.Locator("table");
        ILocator pick = figure.Locator("select");
        string first = await table.TextContentAsync() ?? "";
        string plot = await figure.Locator(".plot svg").InnerHTMLAsync();
        await pick.SelectOptionAsync(new SelectOptionValue { Index = 5 });
        Assert.NotEqual(first, await table.TextContentAsync());
        Assert.NotEqual(plot, await figure.Locator(".plot svg").InnerHTMLAsync());
        Assert.Equal(120, await table.Locator("tbody tr").CountAsync());
        Assert.Contains(
            await pick.EvaluateAsync<string>("pick => pick.selectedOptions[0].text"),
            await figure.Locator(".plot").GetAttributeAsync("aria-label") ?? "", StringComparison.Ordinal);
        Assert.Empty(messages);
    }

    [BrowserFact]
    public async Task A_point_says_its_values_to_the_mouse_and_to_the_keyboard()
    {
        (IPage page, _) = await browser.OpenAsync();
        ILocator figure = Figure(page, Loss), plot = figure.Locator(".plot");
        await plot.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        string first = await figure.Locator(".reading").InnerTextAsync();
        Assert.StartsWith("epoch: 1", first, StringComparison.Ordinal);
        Assert.Contains("epoch: 1", await plot.Locator("svg").TextContentAsync() ?? "", StringComparison.Ordinal);
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.StartsWith("epoch: 2", await figure.Locator(".reading").InnerTextAsync(), StringComparison.Ordinal);
        await page.Keyboard.PressAsync("ArrowLeft");
        Assert.Equal(first, await figure.Locator(".reading").InnerTextAsync());
        await page.Keyboard.PressAsync("Escape");
        Assert.Empty(await figure.Locator(".reading").InnerTextAsync());

        ILocator cells = Figure(page, "Sensitivity by block").Locator(".plot");
        await cells.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await cells.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + (box.Width / 2) + 20, box.Y + 50);
        await Assertions.Expect(cells).ToContainTextAsync("kind input, block");
    }

    [BrowserFact]
    public async Task A_series_can_be_hidden_by_its_button()
    {
        (IPage page, _) = await browser.OpenAsync();
        ILocator figure = Figure(page, Sensitive);
        ILocator button = figure.GetByRole(AriaRole.Button, new() { Name = "weight" });
        int all = await figure.Locator(".plot svg path").CountAsync();
        await button.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal("false", await button.GetAttributeAsync("aria-pressed"));
        Assert.True(await figure.Locator(".plot svg path").CountAsync() < all);
        await button.ClickAsync();
        Assert.Equal("true", await button.GetAttributeAsync("aria-pressed"));
        Assert.Equal(all, await figure.Locator(".plot svg path").CountAsync());
    }

    [BrowserFact]
    public async Task The_theme_is_that_of_the_system_and_can_be_switched()
    {
        (IPage light, _) = await browser.OpenAsync();
        (IPage dark, List<string> messages) = await browser.OpenAsync(scheme: ColorScheme.Dark);
        string white = await Background(light), black = await Background(dark);
        Assert.Equal("rgb(255, 255, 255)", white);
        Assert.NotEqual(white, black);
        string before = await dark.Locator(".plot svg").First.InnerHTMLAsync();
        await dark.GetByRole(AriaRole.Button, new() { Name = "Light colors" }).ClickAsync();
        Assert.Equal(white, await Background(dark));
        Assert.NotEqual(before, await dark.Locator(".plot svg").First.InnerHTMLAsync());
        Assert.Equal("Dark colors", await dark.Locator("#theme").InnerTextAsync());
        Assert.Empty(messages);

        static Task<string> Background(IPage page) =>
            page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
    }

    [BrowserFact]
    public async Task A_narrow_window_needs_no_horizontal_scrolling()
    {
        (IPage page, List<string> messages) = await browser.OpenAsync(width: 360);
        Assert.Equal(360, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.True(await page.EvaluateAsync<bool>(
            "[...document.querySelectorAll('.plot svg')].every(svg => svg.getBoundingClientRect().right <= 360)"));
        await page.SetViewportSizeAsync(800, 900);
        await page.WaitForFunctionAsync("document.querySelector('.plot svg').getBoundingClientRect().width > 600");
        Assert.Empty(messages);
    }

    [BrowserFact]
    public async Task Pictures_beside_each_other_fit_every_window()
    {
        (IPage page, List<string> messages) = await browser.OpenAsync(width: 360, file: browser.Maps);
        Assert.Equal(360, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        ILocator pictures = page.Locator(".images.wide img");
        Assert.Equal(3, await pictures.CountAsync());
        LocatorBoundingBoxResult narrow = (await pictures.First.BoundingBoxAsync())!;
        await page.SetViewportSizeAsync(1100, 900);
        LocatorBoundingBoxResult wide = (await pictures.First.BoundingBoxAsync())!;
        Assert.InRange(narrow.Width, 250, 360);
        Assert.InRange(wide.Width, 250, 400);
        Assert.True(await Figure(page, "Inside of scans").Locator(".plot svg").Locator(Shapes).CountAsync() > 5);
        Assert.Empty(messages);
    }

    [BrowserFact]
    public async Task Tables_can_be_copied_as_CSV()
    {
        (IPage page, _) = await browser.OpenAsync();
        ILocator details = page.Locator("details", new() { HasText = "Accuracy by class" }).First;
        await details.GetByRole(AriaRole.Button, new() { Name = "Copy as CSV" }).ClickAsync();
        await Assertions.Expect(page.Locator("#said")).ToHaveTextAsync("The table is copied.");
        string[] lines = (await page.EvaluateAsync<string>("navigator.clipboard.readText()")).Split("\r\n");
        Assert.Equal("class,images,\"top-1, %\"", lines[0].Trim());
        Assert.Equal(12, lines.Length);
        Assert.StartsWith("triangle,", lines[1], StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task Text_for_spreadsheets_is_no_formula()
    {
        (IPage page, _) = await browser.OpenAsync();
        await page.EvaluateAsync("document.querySelector('tbody th').textContent = '=cmd(\"x\")'");
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy as CSV" }).First.ClickAsync();
        await Assertions.Expect(page.Locator("#said")).ToHaveTextAsync("The table is copied.");
        Assert.Contains(
            "\"'=cmd(\"\"x\"\")\"", await page.EvaluateAsync<string>("navigator.clipboard.readText()"),
            StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task Paper_is_white_and_has_its_own_width()
    {
        (IPage page, List<string> messages) = await browser.OpenAsync(scheme: ColorScheme.Dark);
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Print });
        await page.EvaluateAsync("dispatchEvent(new Event('beforeprint'))");
        Assert.Equal(
            "rgb(255, 255, 255)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.True(await page.EvaluateAsync<bool>(
            "[...document.querySelectorAll('.plot svg')].every(svg => svg.getBoundingClientRect().width <= 660)"));
        Assert.False(await page.Locator("#theme").IsVisibleAsync());
        Assert.Equal(0, await page.Locator("details.numbers:not(.behind):not([open])").CountAsync());
        await page.EvaluateAsync("dispatchEvent(new Event('afterprint'))");
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Screen });
        Assert.NotEqual(0, await page.Locator("details.numbers:not(.behind):not([open])").CountAsync());
        Assert.Empty(messages);
    }

    [BrowserFact]
    public async Task Everybody_can_read_it()
    {
        // Drawings are hidden from screen readers, which read a chart's label and table. Rows are like the first ones.
        var parts = new AxeRunContext
        {
            Exclude = [new AxeSelector(".plot svg"), new AxeSelector("tbody tr:nth-child(n+3)")],
        };
        (IPage light, _) = await browser.OpenAsync();
        (IPage dark, _) = await browser.OpenAsync(scheme: ColorScheme.Dark);
        AxeResult all = await light.RunAxe(parts);
        AxeResult contrast = await dark.RunAxe(
            parts, new AxeRunOptions { RunOnly = RunOnlyOptions.Rules("color-contrast") });
        Assert.Empty(all.Violations.Concat(contrast.Violations).Select(rule => $"{rule.Id}: {rule.Nodes[0].Html}"));
    }

    private static ILocator Figure(IPage page, string title) => page.Locator("figure.chart").Filter(
        new LocatorFilterOptions
        {
            Has = page.GetByRole(AriaRole.Heading, new() { Name = title, Exact = true }),
        }).First;
}
