using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bitis.Cli.Output.Pages;
using Bitis.Tests.Cli;

namespace Bitis.Pages.Tests;

/// <summary><c>bitis report</c> writes results, trainings and models as one page.</summary>
[Collection(ReportCollection.Name)]
public sealed class ReportTests(ReportSamples samples)
{
    [Fact]
    public void Each_result_becomes_a_section()
    {
        string html = Page([.. samples.Results, samples.Training]);
        string[] titles = [.. Between(html, "<h2 id=", "</h2>").Select(heading => heading.Split('>')[1])];
        Assert.Equal(
            [
                "Summary", $"Quantization to {samples.Quantized}", $"Evaluation of {samples.Quantized}",
                "Evaluation of vim-micro-builtin", $"Latency of {samples.Quantized}", "Scans of vim-micro-builtin",
                "Recipes for vim-micro-builtin", "Sensitivity of vim-micro-builtin", "Training",
            ],
            titles);
        string[] charts = [.. Charts(html).Select(chart => chart[0].GetProperty("title").GetString()!)];
        string[] expected =
        [
            "Accuracy against size", "Accuracy against latency", "Confusion matrix", "Latency of one image",
            "Slowest operations", "Skewness of Ā", "Largest |h| at each token", "Sensitivity by block",
            "The most sensitive sites", "Loss",
        ];
        Assert.All(expected, title => Assert.Contains(title, charts));
        Assert.Equal(samples.Results.Count + 1, Count(html, "<div class=\"run\">")); // the training's log has none
    }

    [Fact]
    public void A_result_says_how_it_was_made()
    {
        JsonElement run = CliRunner.RunJson("bench", "vim-micro-builtin", "--images", "1", "--threads", "1")
            .GetProperty("run");
        Assert.Equal(
            "bitis bench vim-micro-builtin --images 1 --threads 1 --json", run.GetProperty("command").GetString());
        Assert.Equal(1, run.GetProperty("threads").GetInt32());
        string version = System.Net.WebUtility.HtmlEncode(run.GetProperty("version").GetString()!);
        Assert.Contains(version, Page(samples.Results[0]), StringComparison.Ordinal);
        JsonElement without = CliRunner.RunJson("models").GetProperty("run");
        Assert.Equal(JsonValueKind.Null, without.GetProperty("threads").ValueKind);
    }

    [Fact]
    public void Confusions_have_all_images()
    {
        string html = Page(samples["eval.json"]);
        JsonElement matrix = Charts(html).Select(charts => charts[0]).Single(
            chart => chart.GetProperty("title").GetString() == "Confusion matrix");
        JsonElement points = matrix.GetProperty("series")[0].GetProperty("points");
        Assert.Equal(100, points.GetArrayLength());
        Assert.Equal(64, points.EnumerateArray().Sum(point => point.GetProperty("value").GetDouble()));
    }

    [Fact]
    public void What_others_wrote_is_escaped()
    {
        string html = Page(samples.WriteHostile());
        Assert.Equal(3, Count(html, "<script"));
        Assert.Equal(3, Count(html, "</script"));
        Assert.DoesNotContain("<img", html);
        Assert.Contains("&lt;img src=x onerror=alert(2)&gt;&quot;&#39;&amp;", html, StringComparison.Ordinal);
        Assert.Contains(
            Charts(html).SelectMany(chart => chart).SelectMany(
                chart => chart.GetProperty("x").GetProperty("categories").EnumerateArray()),
            name => name.GetString() == $"{ReportSamples.Hostile}0");
        Assert.DoesNotContain("<b>", Page([samples.Results[0], "--title", "<b>title</b>"]));
    }

    [Fact]
    public void The_policy_permits_the_scripts_of_the_page_and_nothing_else()
    {
        string html = Page(samples["eval.json"]);
        string[] scripts = Between(html, "<script>", "</script>");
        string policy = Between(html, "Content-Security-Policy\" content=\"", "\"").Single();
        Assert.Equal(2, scripts.Length);
        string hashes = string.Join(' ', scripts.Select(
            script => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'"));
        Assert.Equal(
            "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; "
            + $"script-src {hashes}",
            policy);
        Assert.DoesNotContain("src=\"http", html);
        Assert.DoesNotContain("<link", html);
    }

    [Fact]
    public void A_search_shows_its_front_beside_uniform_recipes()
    {
        static string Recipe(string bits, double top1, double ms, string overrides) => $$"""
            {
                "recipe": { "method": "mse", "bits": "{{bits}}", "scope": "linear", "overrides": [{{overrides}}] },
                "isUniform": {{(overrides.Length == 0 ? "true" : "false")}}, "choosingTop1": {{top1}}, "drop": 0.25,
                "fileBytes": 400000, "predictedMs": {{ms}}, "latencyMs": null, "reportingTop1": null
            }
            """;
        string mixed = Recipe("w4a4", 0.9, 0.5, """{ "pattern": "layers.0.*", "bits": "w8a8", "scope": "ssm" }""");
        string search = samples["search.json"];
        File.WriteAllText(search, $$"""
            {
                "model": "vim.pth", "family": "Vim", "budget": "drop<=0.5", "minimize": "size",
                "choosingImages": 100, "reportingImages": 200, "floatChoosingTop1": 0.95, "floatBytes": 1000000,
                "floatMs": 1.5, "front": [{{mixed}}], "uniform": [{{Recipe("w8a8", 0.94, 0.7, "")}}], "chosen": null,
                "tried": 7, "seconds": 12, "output": null
            }
            """);
        string html = Page(search);
        Assert.Contains("<dd>no recipe keeps it</dd>", html, StringComparison.Ordinal);
        Assert.Contains("mse, w4a4, linear, 1 override", html, StringComparison.Ordinal);
        JsonElement series = Charts(html)[0][0].GetProperty("series");
        Assert.Equal(
            ["float32", "front", "without overrides"],
            series.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        string text = File.ReadAllText(search);
        Assert.DoesNotContain("On the images that report", html, StringComparison.Ordinal);
        string reported = mixed.Replace(
            "\"reportingTop1\": null",
            "\"reportingTop1\": 0.8417, \"reportingDrop\": 2.5, \"reportingDropError\": 2.49, "
                + "\"reportingExpectedDrop\": 0.9",
            StringComparison.Ordinal);
        text = text.Replace(
            "\"chosen\": null", $"\"chosen\": {reported}, \"floatReportingTop1\": 0.8667",
            StringComparison.Ordinal);
        File.WriteAllText(search, text);
        html = WebUtility.HtmlDecode(Page(search));
        Assert.Contains("<td>chosen</td>", html, StringComparison.Ordinal);
        // What images that had no part in the choice say stands beside the float model on the same images.
        Assert.Contains(
            "95.00 % of the images that choose, 86.67 % of those that report", html, StringComparison.Ordinal);
        Assert.Contains("On the images that report", html, StringComparison.Ordinal);
        Assert.Contains("2.5 ± 2.49", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Sites_of_several_bits_are_told_apart()
    {
        JsonNode result = JsonNode.Parse(File.ReadAllText(samples["sensitivity.json"]))!;
        JsonArray widths = result["widths"]!.AsArray();
        widths.Add(new JsonObject { ["bits"] = "w4a4", ["all"] = widths[0]!["all"]!.DeepClone() });
        string several = samples["several.json"];
        File.WriteAllText(several, result.ToJsonString());
        Assert.DoesNotContain("weight, 8 bits", Page(samples["sensitivity.json"]), StringComparison.Ordinal);
        string html = Page(several);
        Assert.Contains("w8a8, w4a4", html, StringComparison.Ordinal);
        Assert.Contains("weight, 8 bits", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_without_numbers_for_a_chart_has_none()
    {
        string html = Page(samples["bench.json"]);
        Assert.DoesNotContain("Accuracy against", html[..html.IndexOf("<script>", StringComparison.Ordinal)]);
        Assert.DoesNotContain("Confusion", html[..html.IndexOf("<script>", StringComparison.Ordinal)]);
    }

    [Theory]
    [InlineData("{", "line 1")]
    [InlineData("[1, 2]", "none that a report can show")]
    [InlineData("{ \"models\": [] }", "none that a report can show")]
    [InlineData("{ \"models\": 3, \"batch\": 1 }", "'models'")]
    [InlineData("{ \"sites\": [{ \"score\": \"x\" }], \"all\": {} }", "is missing")]
    public void Other_files_are_refused_and_the_page_stays(string json, string message)
    {
        string bad = samples["bad.json"], page = samples["kept.html"];
        File.WriteAllText(bad, json);
        File.WriteAllText(page, "kept");
        CliRunner.Run("report", samples["eval.json"], bad, "-o", page).AssertRefused("bad.json", message);
        Assert.Equal("kept", File.ReadAllText(page));
    }

    [Fact]
    public void A_result_without_a_member_is_refused_or_shown()
    {
        string cut = samples["cut.json"];
        int refused = 0;
        foreach (string result in samples.Results)
        {
            foreach (string without in Cuts(File.ReadAllText(result)))
            {
                File.WriteAllText(cut, without);
                try
                {
                    ResultFile.Read(cut);
                }
                catch (BitisException) // anything else fails the test
                {
                    refused++;
                }
            }
        }
        Assert.InRange(refused, 50, 500);
    }

    [Fact]
    public void Contradictions_are_refused()
    {
        string page = samples["no.html"];
        CliRunner.Run("report", samples.Quantized, "-o", page).AssertRefused("micro.bitis", "--calibration IMAGES");
        CliRunner.Run("report", samples.Quantized, "--data", "builtin/test", "-o", page).AssertRefused("--baseline");
        CliRunner.Run("report", samples["missing.json"], "-o", page).AssertRefused("missing.json");
        CliRunner.Run("report", samples["eval.json"], "-o", samples["eval.json"]).AssertRefused("same file");
        Assert.False(File.Exists(page));
    }

    [Fact]
    public void A_quantized_model_shows_its_levels()
    {
        string html = Page(samples.Quantized, "--calibration", "builtin/train", "--images", "4");
        JsonElement[][] charts = Charts(html);
        JsonElement[] weights = charts[0], inputs = charts[1], tokens = charts[2];
        Assert.Equal(36, weights.Length);
        Assert.Equal("layers.0.mixer.in_proj.weight", weights[0].GetProperty("title").GetString());
        Assert.Equal(Enumerable.Range(-7, 15).Select(level => (double)level), Marks(weights[0]));
        Assert.Equal(15, weights[0].GetProperty("series")[0].GetProperty("points").GetArrayLength());
        Assert.Equal(16, Marks(inputs[0]).Length);
        Assert.All(inputs.Concat(weights), chart => Assert.Equal(100, Shares(chart), 0.1));
        Assert.Equal(65, tokens[0].GetProperty("series")[0].GetProperty("points").GetArrayLength());

        // With the original at hand, its weights lie between the levels.
        string between = Page(
            samples.Quantized, "--calibration", "builtin/train", "--images", "4", "--baseline", "vim-micro-builtin");
        JsonElement original = Charts(between)[0][0];
        Assert.Equal(120, original.GetProperty("series")[0].GetProperty("points").GetArrayLength());
        Assert.Equal(15, Marks(original).Length);
    }

    [Fact]
    public void A_float_model_shows_its_values_and_scans()
    {
        string html = Page("vim-micro-builtin", "--calibration", "builtin/train", "--images", "2");
        JsonElement[][] charts = Charts(html);
        Assert.Contains("Scans of vim-micro-builtin", html, StringComparison.Ordinal);
        Assert.Empty(Marks(charts[0][0]));
        Assert.All(charts[0].Concat(charts[1]), chart => Assert.Equal(100, Shares(chart), 0.1));
    }

    [Fact]
    public void Images_that_quantization_changes_are_shown()
    {
        string html = Page(
            samples.Quantized, "--data", "builtin/test", "--limit", "100", "--baseline", "vim-micro-builtin");
        JsonElement eval = CliRunner.RunJson(
            "eval", samples.Quantized, "--data", "builtin/test", "--images", "100", "--baseline", "vim-micro-builtin");
        double same = eval.GetProperty("agreements")[0].GetProperty("top1").GetDouble();
        int expected = (int)Math.Round(100 * (1 - same));
        Assert.InRange(expected, 2, 98);
        string[] images = Between(html, "src=\"data:image/png;base64,", "\"");
        Assert.Equal(Math.Min(24, expected), images.Length);
        Assert.Contains($"({expected} rows)", html, StringComparison.Ordinal);
        byte[] thumbnail = Convert.FromBase64String(images[0]);
        Assert.Equal("PNG", Encoding.ASCII.GetString(thumbnail, 1, 3));
        Assert.Equal(32, BinaryPrimitives.ReadInt32BigEndian(thumbnail.AsSpan(16))); // the width
    }

    [Fact]
    public void A_quantized_scan_shows_the_levels_of_its_parts()
    {
        string html = Page(samples.Segmenter, "--calibration", "builtin-masks/train", "--images", "1");
        JsonElement[] scans = Charts(html).Single(
            charts => charts[0].GetProperty("title").GetString()!.EndsWith(".u", StringComparison.Ordinal));
        Assert.Equal(
            ["u", "delta", "decay", "b", "c", "hiddenState"],
            scans.Take(6).Select(
                chart => chart.GetProperty("title").GetString()!.Split(',')[0].Split('.')[^1]));
        Assert.Equal(0, scans.Length % 6);
        foreach (JsonElement[] scan in scans.Chunk(6))
        {
            Assert.All(scan, chart => Assert.Equal(100, Shares(chart), 0.1));
            Assert.Equal([16, 16, 15, 15, 16], ((int[])[0, 1, 3, 4, 5]).Select(part => Marks(scan[part]).Length));
            double[] decays = Marks(scan[2]);
            Assert.InRange(decays.Length, 2, 16);
            Assert.Equal(decays.Order(), decays);
            Assert.All(decays, decay => Assert.InRange(decay, 0, 1));
            // Values of a calibrated site lie around its levels.
            Assert.All((int[])[0, 3, 4], part => Assert.True(ShareBetween(scan[part], Marks(scan[part])) > 90));
        }

        static double ShareBetween(JsonElement chart, double[] levels)
        {
            double step = levels[1] - levels[0];
            return chart.GetProperty("series")[0].GetProperty("points").EnumerateArray()
                .Where(point => point.GetProperty("x").GetDouble() > levels[0] - step
                    && point.GetProperty("x").GetDouble() < levels[^1] + step)
                .Sum(point => point.GetProperty("y").GetDouble());
        }
    }

    [Fact]
    public void Maps_that_quantization_changes_are_shown()
    {
        string html = Page(
            samples.Segmenter, "--data", "builtin-masks/test", "--limit", "4", "--baseline",
            ReportSamples.SegmentingModel);
        JsonElement[] compared = [.. CliRunner.RunJson(
            "compare", ReportSamples.SegmentingModel, "--calibration", "builtin-masks/train", "--images", "2",
            "--methods", "minmax", "--bits", "w4a4", "--scopes", "ssm", "--data", "builtin-masks/test", "--limit", "4")
            .GetProperty("models").EnumerateArray()];
        double changed = 100 * (1 - compared[1].GetProperty("sameTop1").GetDouble());
        Assert.InRange(changed, 0.01, 50);
        Assert.Contains(
            FormattableString.Invariant($"{changed:0.00} % of the pixels, in 4 images"), html,
            StringComparison.Ordinal);
        string[] images = Between(html, "src=\"data:image/png;base64,", "\"");
        Assert.Equal(4, images.Length);
        int width = BinaryPrimitives.ReadInt32BigEndian(Convert.FromBase64String(images[0]).AsSpan(16));
        Assert.Equal((3 * 64) + (2 * 2), width); // three pictures with gaps
        double[] shares = [.. Between(html, "<figcaption><code>", "<br>").Select(
            line => double.Parse(
                line.Split("</code>")[1].Split(" % of")[0], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(4, shares.Length);
        Assert.Equal(shares.OrderDescending(), shares);
        Assert.Contains(" → ", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Poses_that_quantization_moves_are_shown()
    {
        string recipe = samples["pose.json"], model = samples["pose.safetensors"], quantized = samples["pose.bitis"];
        File.WriteAllText(recipe, """
            {
              "config": {
                "family": "pose", "imageSize": 32, "classes": 5,
                "backbone": {
                  "family": "vim", "imageSize": 32, "patchSize": 8, "stride": 8, "width": 8, "innerWidth": 16,
                  "depth": 1, "stateSize": 4, "deltaRank": 1, "classes": 5
                }
              },
              "epochs": 1, "batchSize": 16
            }
            """);
        JsonElement trained = CliRunner.RunJson(
            "train", "--recipe", recipe, "--data", "builtin/train", "--take", "32", "--validation", "builtin/test",
            "-o", samples["pose"]);
        File.Copy(trained.GetProperty("finalModel").GetString()!, model);
        CliRunner.Run(
            "quantize", model, "--calibration", "builtin/train", "--images", "16", "--method", "minmax", "--bits",
            "w2a8", "-o", quantized).AssertSucceeded();
        string html = Page(quantized, "--data", "builtin/test", "--limit", "30", "--baseline", model);
        Assert.Contains("poses differ by", html, StringComparison.Ordinal);
        string[] images = Between(html, "src=\"data:image/png;base64,", "\"");
        Assert.Equal(24, images.Length);
        Assert.Equal(4 * 32, BinaryPrimitives.ReadInt32BigEndian(Convert.FromBase64String(images[0]).AsSpan(16)));
        Assert.Contains("(30 rows)", html, StringComparison.Ordinal);
        CliRunner.Run(
            "report", quantized, "--data", "builtin/test", "--baseline", "vim-micro-builtin", "-o",
            samples["refused.html"]).AssertRefused("other classes or images");
    }

    private string Page(params string[] arguments)
    {
        string page = samples["page.html"];
        CliOutcome outcome = CliRunner.Run(["report", .. arguments, "-o", page]).AssertSucceeded();
        Assert.Contains("page.html", outcome.Output, StringComparison.Ordinal);
        return File.ReadAllText(page);
    }

    /// <summary>A JSON object without one of its members, for each of them and those one level below.</summary>
    private static IEnumerable<string> Cuts(string json)
    {
        JsonObject whole = JsonNode.Parse(json)!.AsObject();
        foreach (string name in whole.Select(member => member.Key).ToArray())
        {
            JsonObject cut = whole.DeepClone().AsObject();
            cut.Remove(name);
            yield return cut.ToJsonString();
            if (whole[name] is JsonArray { Count: > 0 } list && list[0] is JsonObject first)
            {
                foreach (string inner in first.Select(member => member.Key).ToArray())
                {
                    JsonObject deep = whole.DeepClone().AsObject();
                    deep[name]![0]!.AsObject().Remove(inner);
                    yield return deep.ToJsonString();
                }
            }
        }
    }

    private static JsonElement[][] Charts(string html) =>
    [
        .. JsonDocument.Parse(Between(html, "id=\"data\">", "</script>").Single()).RootElement.EnumerateArray()
            .Select(place => place.EnumerateArray().ToArray()),
    ];

    private static double[] Marks(JsonElement chart) =>
        [.. chart.GetProperty("marks").EnumerateArray().Select(mark => mark.GetDouble())];

    private static double Shares(JsonElement chart) => chart.GetProperty("series")[0].GetProperty("points")
        .EnumerateArray().Sum(point => point.GetProperty("y").GetDouble());

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    /// <summary>What stands between two texts, wherever it does.</summary>
    private static string[] Between(string html, string start, string end) =>
        [.. html.Split(start).Skip(1).Select(rest => rest[..rest.IndexOf(end, StringComparison.Ordinal)])];
}
