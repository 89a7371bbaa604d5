namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis quantize</c>.</summary>
internal static class QuantizeSection
{
    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        double bytes = result.Number("fileBytes"), floatBytes = result.Number("float32Bytes");
        ResultNode[] blocks = [.. result.List("blocks").Where(block => block.Number("steps") > 0)];
        string[] names = [.. blocks.Select(block => $"{block.Number("block"):0}")];
        return new PageSection($"Quantization to {result.Text("output")}", result.File)
        {
            Facts =
            [
                ("model", $"{result.Text("model")} ({result.Text("family")})"),
                ("recipe", RecipeWords.Of(result["recipe"])),
                ("file", $"{Format.Bytes((long)bytes)}: {Format.Percent(bytes / floatBytes)} of float32's "
                    + Format.Bytes((long)floatBytes)),
                ("calibration", DisplayText.Count((int)result["calibration"].Number("images"), "image")),
                ("layers", string.Join(", ", result.List("layers").Select(layer =>
                    $"{layer.Number("layers"):0} × {layer.Text("bits")}"))),
                ("quantized scans", $"{result.Number("scans"):0}"),
                ("time", Format.Duration(TimeSpan.FromSeconds(result.Number("seconds")))),
            ],
            Charts = blocks.Length == 0 ? [] :
            [
                new PageChart(
                    "Loss of each block", ChartKind.Bar, new ChartAxis("block", Categories: names),
                    new ChartAxis("loss", Log: true),
                    [
                        Losses("before", "lossBefore"), Losses("after", "lossAfter"),
                    ]) { Note = "How far a block's output is from float32, before and after scales were learned." },
            ],
            Points =
            [
                new MeasuredPoint(result.Text("output"), result.Text("output"), null, bytes, null),
                new MeasuredPoint(result.Text("model"), result.Text("model"), null, floatBytes, null),
            ],
        };

        ChartSeries Losses(string name, string member) =>
            new(name, [.. blocks.Select((block, i) => new ChartPoint(i, block.Number(member)))]);
    }
}
