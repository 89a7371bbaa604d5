namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis eval</c>.</summary>
internal static class EvalSection
{
    private const int MostClasses = 32, MostPairs = 50;

    /// <summary>The section of a model that classifies.</summary>
    public static PageSection Classes(ResultNode result)
    {
        double images = result.Number("images");
        string model = result.Text("model");
        return new PageSection($"Evaluation of {model}", result.File)
        {
            Facts =
            [
                ("model", $"{model} ({result.Text("kind")})"),
                ("images", $"{result.Text("data")}; {images:0} evaluated"
                    + (result.Number("labeled") == images ? "" : $", {result.Number("labeled"):0} with labels")),
                ("left out", result.Number("skipped") > 0 ? $"{result.Number("skipped"):0} damaged images" : null),
                ("classes", result.TextOrNull("classMatch")),
                ("top-1", Format.Accuracy(result.NumberOrNull("top1"))),
                ("top-5", Format.Accuracy(result.NumberOrNull("top5"))),
                .. result.List("agreements").Select(a => (
                    $"agreement with {a.Text("with")}",
                    (string?)$"{Format.Percent(a.Number("top1"))} same top-1; logits differ by "
                        + $"{Format.Percent(a.Number("meanLogitError"))} on average")),
                ("speed", $"{result.Number("imagesPerSecond"):0.0} images/s, {result.Text("device")}, "
                    + DisplayText.Count((int)result.Number("threads"), "thread")),
            ],
            Charts = [.. Confusion(result)],
            Tables = [.. Pairs(result)],
            Points = [new MeasuredPoint(model, model, result.NumberOrNull("top1"), null, null)],
        };
    }

    /// <summary>The section of a model that segments.</summary>
    public static PageSection Segments(ResultNode result)
    {
        IReadOnlyList<ResultNode> classes = result.List("classes");
        return new PageSection($"Evaluation of {result.Text("model")}", result.File)
        {
            Facts =
            [
                ("model", $"{result.Text("model")} ({result.Text("kind")})"),
                ("images", $"{result.Text("data")}; {result.Number("images"):0} evaluated"),
                ("mean IoU", Format.Accuracy(result.NumberOrNull("meanIou"))),
                ("pixel accuracy", Format.Accuracy(result.NumberOrNull("pixelAccuracy"))),
                ("speed", $"{result.Number("imagesPerSecond"):0.00} images/s"),
            ],
            Charts =
            [
                new PageChart(
                    "Intersection over union by class", ChartKind.Bar,
                    new ChartAxis("class", Categories: [.. classes.Select(c => c.Text("name"))]),
                    new ChartAxis("IoU, %"),
                    [
                        new ChartSeries(
                            "IoU", [.. classes.Select((c, i) => new ChartPoint(i, 100 * c.NumberOrNull("iou")))]),
                    ]),
            ],
        };
    }

    /// <summary>The section of a model that gives poses.</summary>
    public static PageSection Poses(ResultNode result) => new($"Evaluation of {result.Text("model")}", result.File)
    {
        Facts =
        [
            ("model", $"{result.Text("model")} ({result.Text("kind")})"),
            ("images", $"{result.Text("data")}; {result.Number("images"):0} evaluated"),
            ("position", $"{result.Number("positionError"):0.000} pixels, mean absolute error"),
            ("size", $"{result.Number("sizeError"):0.000} pixels"),
            ("angle", $"{result.Number("angleError"):0.00} degrees"),
            ("speed", $"{result.Number("imagesPerSecond"):0.0} images/s"),
        ],
    };

    /// <summary>The matrix of confusions, if all of it is there.</summary>
    private static IEnumerable<PageChart> Confusion(ResultNode result)
    {
        IReadOnlyList<ResultNode> classes = result.ListOrEmpty("classes"), pairs = result.ListOrEmpty("confusions");
        string[] names = [.. classes.Select(c => c.Text("name"))
            .Union(pairs.SelectMany(pair => (string[])[pair.Text("label"), pair.Text("predicted")]))];
        double wrong = classes.Sum(c => c.Number("images") * (1 - c.Number("top1")));
        if (names.Length is 0 or > MostClasses || Math.Abs(wrong - pairs.Sum(pair => pair.Number("images"))) > 0.5)
            yield break;
        double[,] counts = new double[names.Length, names.Length];
        foreach (ResultNode c in classes)
        {
            int i = Array.IndexOf(names, c.Text("name"));
            counts[i, i] = Math.Round(c.Number("images") * c.Number("top1"));
        }
        foreach (ResultNode pair in pairs)
        {
            counts[Array.IndexOf(names, pair.Text("label")), Array.IndexOf(names, pair.Text("predicted"))] =
                pair.Number("images");
        }
        var points = new List<ChartPoint>();
        for (int label = 0; label < names.Length; label++)
        {
            for (int predicted = 0; predicted < names.Length; predicted++)
                points.Add(new ChartPoint(predicted, label, counts[label, predicted]));
        }
        yield return new PageChart(
            "Confusion matrix", ChartKind.Heatmap, new ChartAxis("taken for", Categories: names),
            new ChartAxis("shows", Categories: names), [new ChartSeries("images", points)])
        {
            Note = "Rows: what images show. Columns: what they were taken for. On the diagonal they were recognized.",
            Table = new PageTable(
                "Confusion matrix", ["shows", .. names.Select(name => ">" + name)],
                [
                    .. names.Select((name, i) => (string[])
                        [name, .. Enumerable.Range(0, names.Length).Select(j => PageText.Number(counts[i, j]))]),
                ]),
        };
    }

    private static IEnumerable<PageTable> Pairs(ResultNode result)
    {
        IReadOnlyList<ResultNode> classes = result.ListOrEmpty("classes"), pairs = result.ListOrEmpty("confusions");
        if (classes.Count > 0)
        {
            yield return new PageTable(
                "Accuracy by class", ["class", ">images", ">top-1, %"],
                [
                    .. classes.Select(c => (string[])
                        [c.Text("name"), PageText.Number(c.Number("images")), PageText.Percent(c.Number("top1"))]),
                ]);
        }
        if (pairs.Count > 0)
        {
            yield return new PageTable(
                "Most frequent confusions", ["shows", "taken for", ">images"],
                [
                    .. pairs.Take(MostPairs).Select(p => (string[])
                        [p.Text("label"), p.Text("predicted"), PageText.Number(p.Number("images"))]),
                ]);
        }
    }
}
