
namespace Bitis.Tests.Cli;

/// <summary>A model whose logits overflow float32: every command refuses it.</summary>
public sealed class OverflowTests : IDisposable
{
    private static readonly string Good = GoldenFiles.Path("vim-micro.safetensors");

    private readonly TempFolder _folder = new();
    private readonly string _model;
    private readonly string _images;

    public OverflowTests()
    {
        VisionModel model = VisionModel.Load(Good);
        var weights = new Dictionary<string, FloatTensor>(model.Weights);
        foreach (string name in model.Graph.Output.ParameterNames)
        {
            weights[name] = weights[name].Clone();
            weights[name].Span.Fill(3e38f);
        }
        _model = _folder["overflow.safetensors"];
        model.WithWeights(weights).Save(_model);
        _images = _folder.WriteImages("images", 4, 2);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_command_that_runs_it_refuses()
    {
        string output = _folder["x.bitis"], figures = _folder["figures"];
        string labels = _folder.WriteText("images/labels.csv", "file,class_index\nclass00/image000.bmp,3\n");
        CliRunner.Run("eval", _model, "--data", labels).AssertRefused("class00/image000.bmp: the model gives");
        CliRunner.Run("eval", Good, "--data", labels, "--baseline", _model)
            .AssertRefused("class00/image000.bmp: the model that it is compared with");
        CliRunner.Run("classify", _model, _images).AssertRefused("class00/image000.bmp: the model gives");
        CliRunner.Run("bench", _model, "--images", "1", "--warmup", "0").AssertRefused("image 0 of the batch");
        CliRunner.Run("bench", Good, "--baseline", _model, "--images", "1", "--warmup", "0")
            .AssertRefused("image 0 of the batch");
        foreach (string method in (string[])["--method mse", "--method ptq4vm+ --steps 1", "--scope ssm"])
        {
            CliRunner.Run(["quantize", _model, "--calibration", _images, "-o", output, .. method.Split(' ')])
                .AssertRefused("class00/image000.bmp: the model gives");
        }
        CliRunner.Run("analyze", _model, "--data", _images, "--svg", figures)
            .AssertRefused("image 0: the model gives");
        Assert.False(File.Exists(output) || Directory.Exists(figures));
    }
}
