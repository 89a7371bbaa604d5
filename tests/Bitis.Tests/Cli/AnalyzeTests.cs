using System.Text.Json;
using System.Xml.Linq;

namespace Bitis.Tests.Cli;

/// <summary>Numbers and figures about a model's scans.</summary>
public sealed class AnalyzeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_trained_model_shows_both_observations_of_QMamba()
    {
        string figures = _folder["figures"];
        JsonElement json = CliRunner.RunJson(
            "analyze", "vim-micro-builtin", "--data", "builtin/train", "--images", "8", "--svg", figures);
        JsonElement[] scans = [.. json.GetProperty("scans").EnumerateArray()];
        Assert.Equal(12, scans.Length); // 6 blocks, 2 directions
        foreach (JsonElement scan in scans)
        {
            JsonElement decay = scan.GetProperty("discreteA"), hidden = scan.GetProperty("hiddenState");
            Assert.InRange(decay.GetProperty("median").GetDouble(), 0.85, 0.98); // most are near 1,
            Assert.InRange(decay.GetProperty("skewness").GetDouble(), -4, -1); // with a tail below
            Assert.Equal(1, decay.GetProperty("histogram").EnumerateArray().Sum(share => share.GetDouble()), 1e-9);
            Assert.Equal(65, hidden.GetProperty("tokenMaxima").GetArrayLength());
            Assert.InRange(hidden.GetProperty("tokenSpread").GetDouble(), 5, 5000); // ranges move along the tokens
        }
        string[] files = [.. json.GetProperty("figures").EnumerateArray().Select(figure => figure.GetString()!)];
        Assert.Equal(["discreteA.svg", "hiddenState.svg"], files.Select(Path.GetFileName));
        foreach (string file in files)
        {
            XElement picture = XElement.Load(file);
            Assert.Equal("svg", picture.Name.LocalName);
            Assert.Equal(12, picture.Elements().Count(element => element.Name.LocalName == "polyline"));
            Assert.DoesNotContain("NaN", File.ReadAllText(file));
        }
    }

    [Fact]
    public void One_site_can_be_asked_for()
    {
        JsonElement scan = CliRunner.RunJson(
            "analyze", "vim-micro-builtin", "--data", "builtin/train", "--images", "1", "--site", "hiddenState")
            .GetProperty("scans")[0];
        Assert.Equal(JsonValueKind.Null, scan.GetProperty("discreteA").ValueKind);
        Assert.Contains(
            "hidden states",
            CliRunner.Run("analyze", "vim-micro-builtin", "--data", "builtin/train", "--images", "1")
                .AssertSucceeded().Output);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        Assert.Contains(
            "'delt'",
            CliRunner.Run("analyze", "vim-micro-builtin", "--data", "builtin/train", "--site", "discreteA,delt")
                .AssertRefused().Error);
        string file = _folder["taken"];
        File.WriteAllText(file, "");
        Assert.Contains(
            file,
            CliRunner.Run("analyze", "vim-micro-builtin", "--data", "builtin/train", "--svg", file)
                .AssertRefused().Error);
        Assert.Contains(
            "nowhere", CliRunner.Run("analyze", "vim-micro-builtin", "--data", "nowhere").AssertRefused().Error);
    }
}
