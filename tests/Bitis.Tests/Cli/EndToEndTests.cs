using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>The whole way on a golden checkpoint: inspect, quantize, evaluate, classify, measure.</summary>
public sealed class EndToEndTests : IDisposable
{
    private const int Classes = 10, Images = 40;

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;

    public EndToEndTests() => _images = _folder.WriteImages("images", Images, Classes);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Inspect_shows_a_checkpoint()
    {
        JsonElement json = CliRunner.RunJson("inspect", Checkpoint, "--tensors", "--nodes");
        Assert.Equal("safetensors", json.GetProperty("format").GetString());
        JsonElement model = json.GetProperty("model");
        Assert.Equal("Vim", model.GetProperty("family").GetString());
        Assert.Equal(
            (32, 4, Classes),
            (Int(model, "config", "width"), Int(model, "config", "depth"), Int(model, "config", "classes")));
        Assert.Equal(32, Int(model, "preprocessing", "cropSize"));
        foreach (string problem in
            (string[])["missingTensors", "unexpectedTensors", "misshapedTensors", "nonFiniteTensors"])
        {
            Assert.Empty(json.GetProperty(problem).EnumerateArray());
        }

        Assert.Contains(
            json.GetProperty("tensors").EnumerateArray(), t => t.GetProperty("name").GetString() == "head.weight");
        Assert.Contains(json.GetProperty("nodes").EnumerateArray(), n =>
            n.GetProperty("name").GetString() == "layers.3.mixer.x_proj");

        CliOutcome text = CliRunner.Run("inspect", Checkpoint).AssertSucceeded();
        Assert.Contains("All weights are there", text.Output);
        Assert.Contains("--stride", text.Output);
    }

    [Fact]
    public void Local_scans_are_named_on_the_command_line_once_and_then_kept_in_the_file()
    {
        const string directions = "h,v_flip,w7,w7_flip/h_flip,w2_flip,v,w2/h,h_flip,v,v_flip";
        string checkpoint = GoldenFiles.Path("localvim-micro.pth"), quantized = _folder["local.bitis"];
        CliRunner.Run("inspect", checkpoint).AssertRefused("--directions");
        JsonElement json = CliRunner.RunJson("inspect", checkpoint, "--directions", directions);
        Assert.Equal("LocalVim", json.GetProperty("model").GetProperty("family").GetString());
        foreach (string problem in (string[])["missingTensors", "unexpectedTensors", "misshapedTensors", "assumptions"])
            Assert.Empty(json.GetProperty(problem).EnumerateArray());

        CliRunner.Run(
            "quantize", checkpoint, "--directions", directions, "--calibration", _images, "--images", "8", "-o",
            quantized).AssertSucceeded();
        JsonElement config = CliRunner.RunJson("inspect", quantized).GetProperty("model").GetProperty("config");
        Assert.Equal(
            directions,
            string.Join('/', config.GetProperty("directions").EnumerateArray().Select(block => block.GetString())));
        JsonElement evaluated = CliRunner.RunJson("eval", quantized, "--data", _images, "--simulate");
        Assert.Equal(1, evaluated.GetProperty("agreements")[0].GetProperty("top1").GetDouble());
    }

    [Theory]
    [InlineData("minmax", "w8a8", "tensor")]
    [InlineData("mse", "w8a8", "token")]
    [InlineData("percentile", "w4a8", "tensor")]
    public void A_checkpoint_becomes_a_quantized_model_that_answers_like_its_simulation(
        string method, string bits, string granularity)
    {
        string quantized = _folder["vim.bitis"];
        JsonElement made = CliRunner.RunJson(
            "quantize", Checkpoint, "--calibration", _images, "--method", method, "--bits", bits, "--granularity",
            granularity,
            "--override", "*.x_proj*=w6a6", "--images", "16", "--threads", "1", "-o", quantized);
        Assert.Equal(new FileInfo(quantized).Length, made.GetProperty("fileBytes").GetInt64());
        Assert.Equal(16, Int(made, "calibration", "images"));
        Assert.Equal([16, 8], made.GetProperty("layers").EnumerateArray().Select(layer => Int(layer, "layers")));

        JsonElement inspected = CliRunner.RunJson("inspect", quantized, "--tensors");
        Assert.Equal((method, bits), (Text(inspected, "recipe", "method"), Text(inspected, "recipe", "bits")));
        Assert.Equal(
            granularity == "token" ? "perToken" : "perTensor", Text(inspected, "recipe", "activationGranularity"));

        JsonElement evaluated = CliRunner.RunJson(
            "eval", quantized, "--data", _images, "--baseline", Checkpoint, "--simulate", "--confusion");
        Assert.Equal((Images, Images), (Int(evaluated, "images"), Int(evaluated, "labeled")));
        Assert.Equal(Classes, evaluated.GetProperty("classes").GetArrayLength());
        JsonElement[] agreements = [.. evaluated.GetProperty("agreements").EnumerateArray()];
        Assert.Equal(["baseline", "simulation"], agreements.Select(agreement => Text(agreement, "with")));
        Assert.InRange(agreements[0].GetProperty("meanLogitError").GetDouble(), 1e-5, 0.5);
        Assert.Equal(1, agreements[1].GetProperty("top1").GetDouble());
        Assert.InRange(agreements[1].GetProperty("maxLogitError").GetDouble(), 0, 1e-4);
    }

    [Fact]
    public void The_same_seed_gives_the_same_file_whatever_threads_and_batch()
    {
        string first = _folder["first.bitis"], second = _folder["second.bitis"];
        string[] common = ["quantize", Checkpoint, "--calibration", _images, "--images", "12", "--seed", "3", "-o"];
        CliRunner.Run([.. common, first, "--threads", "1", "--batch", "1"]).AssertSucceeded();
        CliRunner.Run([.. common, second, "--threads", "2", "--batch", "5"]).AssertSucceeded();
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
    }

    [Fact]
    public void The_target_chooses_bits_unless_they_are_given()
    {
        string quantized = _folder["vim.bitis"];
        string recipe = _folder.WriteText("recipe.json", """{ "method": "minmax" }""");
        string[] command =
            ["quantize", Checkpoint, "--calibration", _images, "--images", "8", "--target", "avx2", "-o", quantized];
        Assert.Equal("w7a8", BitsOf(command));
        Assert.Equal("w8a8", BitsOf([.. command, "--recipe", recipe]));
        CliOutcome outcome = CliRunner.Run([.. command, "--bits", "w8a8"]).AssertSucceeded();
        Assert.Contains("w7a8 is faster than w8a8 on avx2", outcome.Error);
        outcome = CliRunner.Run([.. command, "--bits", "w7a8"]).AssertSucceeded();
        Assert.DoesNotContain("faster", outcome.Error);
        JsonElement evaluated = CliRunner.RunJson("eval", quantized, "--data", _images, "--simulate");
        Assert.Equal(1, evaluated.GetProperty("agreements")[0].GetProperty("top1").GetDouble());

        string BitsOf(string[] arguments) =>
            CliRunner.RunJson(arguments).GetProperty("recipe").GetProperty("bits").GetString()!;
    }

    [Fact]
    public void Fewer_images_than_asked_for_are_mentioned()
    {
        CliOutcome outcome = CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", _folder["vim.bitis"])
            .AssertSucceeded();
        Assert.Contains($"only {Images} images", outcome.Error);
        Assert.Contains("of float32", outcome.Output);
    }

    [Fact]
    public void Classify_answers_for_files_and_folders_with_names()
    {
        string names = _folder.WriteText(
            "names.txt", string.Join("\n", Enumerable.Range(0, Classes).Select(i => $"name {i}")) + "\n");
        string file = Path.Combine(_images, "class00", "image000.bmp");
        JsonElement json = CliRunner.RunJson("classify", Checkpoint, file, _images, "--classes", names);
        JsonElement[] images = [.. json.GetProperty("images").EnumerateArray()];
        Assert.Equal(1 + Images, images.Length);
        foreach (JsonElement image in images)
        {
            JsonElement[] answers = [.. image.GetProperty("answers").EnumerateArray()];
            double[] probabilities = [.. answers.Select(answer => answer.GetProperty("probability").GetDouble())];
            Assert.Equal(5, answers.Length);
            Assert.Equal(probabilities.OrderDescending(), probabilities);
            Assert.InRange(probabilities.Sum(), 0.5, 1.00001);
            Assert.All(answers, answer => Assert.Equal($"name {Int(answer, "class")}", Text(answer, "name")));
        }
        Assert.Equal(images[0].GetProperty("answers").ToString(), images[1].GetProperty("answers").ToString());
    }

    [Fact]
    public void Images_without_labels_have_no_accuracy()
    {
        string plain = Path.Combine(_images, "class00");
        CliOutcome outcome = CliRunner.Run("eval", Checkpoint, "--data", plain, "--baseline", Checkpoint)
            .AssertSucceeded();
        Assert.Matches("top-1 +no labels", outcome.Output);
        Assert.Contains("100.00 % same top-1", outcome.Output);
    }

    [Fact]
    public void Bench_measures_against_a_baseline()
    {
        JsonElement json = CliRunner.RunJson(
            "bench", Checkpoint, "--baseline", Checkpoint, "--images", "6", "--warmup", "1", "--batch", "2",
            "--threads", "1", "--profile");
        Assert.Equal(2, json.GetProperty("models").GetArrayLength());
        Assert.True(json.GetProperty("speedUp").GetDouble() > 0);
        Assert.InRange(json.GetProperty("models")[0].GetProperty("weightBytes").GetInt64(), 100_000, 500_000);
        Assert.Contains(json.GetProperty("profile").EnumerateArray(), step =>
            Text(step, "node") == "layers.3.mixer.x_proj" && step.GetProperty("medianMs").GetDouble() > 0);
        CliOutcome text = CliRunner.Run("bench", Checkpoint, "--images", "2", "--warmup", "0", "--profile")
            .AssertSucceeded();
        Assert.Contains("slowest operations", text.Output);
    }

    private static int Int(JsonElement json, params string[] path) => Walk(json, path).GetInt32();

    private static string? Text(JsonElement json, params string[] path) => Walk(json, path).GetString();

    private static JsonElement Walk(JsonElement json, string[] path) =>
        path.Aggregate(json, (element, name) => element.GetProperty(name));
}
