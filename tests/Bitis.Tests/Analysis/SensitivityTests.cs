using System.Text.Json;
using Bitis.Analysis.Results;
using Bitis.Analysis.Sensitivity;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tests.Cli;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Analysis;

/// <summary>Scores and exact runs of the sites of small models.</summary>
public sealed class SensitivityTests : IDisposable
{
    private static readonly Recipe Ssm = new() { Method = "minmax", Scope = Scope.Ssm };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A site with too few bits is ranked first, by score and by exact runs.</summary>
    /// <remarks>In scope linear: with ranges by extremes, hidden states of 8 bits are about as bad.</remarks>
    [Theory]
    [InlineData("layers.1.mixer.out_proj=w2a8", "layers.1.mixer.out_proj.weight")]
    [InlineData("layers.2.mixer.in_proj=w8a2", "layers.2.mixer.in_proj.input")]
    public void A_site_made_sensitive_is_first(string text, string site)
    {
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        Recipe recipe = Ssm with { Scope = Scope.Linear, Overrides = [SiteOverride.Parse(text)] };
        using ImageSource images = new BuiltInImageSource(BuiltInSplit.Test).Take(24, seed: 1);
        CalibrationSet calibration = CalibrationSet.FromImages(images, model.Preprocessing);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, calibration, recipe);
        using var analysis = new SiteAnalysis(model, quantized, images, 8, 2, seed: 0, default);
        IReadOnlyDictionary<QuantizedSite, SiteScore> scores = analysis.Score(calibration, null, default);
        Assert.Equal(2 * quantized.Layers.Count, scores.Count);
        Assert.Equal(site, scores.MaxBy(pair => pair.Value.Score).Key.Name);
        Assert.Equal(site, scores.MinBy(pair => pair.Value.SnrDb ?? double.MaxValue).Key.Name);
        QuantizedSite worst = analysis.Sites.Single(entry => entry.Name == site);
        ExactEffects bad = analysis.Try(worst, default), good = analysis.Try(analysis.Sites[0], default);
        Assert.True(bad.Alone.LogitSnrDb < good.Alone.LogitSnrDb);
        Assert.True(bad.LeftAlone.LogitSnrDb > good.LeftAlone.LogitSnrDb);
        Assert.Equal(1, analysis.Float.SameTop1);
        Assert.Null(analysis.Float.LogitSnrDb);
    }

    /// <summary>The gradients are those of finite differences: what a small noise at a node's value changes.</summary>
    [Fact]
    public void Gradients_are_those_of_the_loss()
    {
        VisionModel model = MicroModel.Load().Folded();
        FloatTensor image = MicroModel.Images(model, 1, seed: 3);
        Node node = model.Graph["layers.1.mixer.out_proj"];
        using var gradients = new OutputGradients(model, [node], seed: 4, threads: 1);
        IReadOnlyDictionary<Node, FloatTensor> found = gradients.Run(image, first: 0);
        float[] logits = found[model.Graph.Output].Span.ToArray();
        Assert.Equal(0, logits.Sum(), 5);
        Assert.Single(logits, value => value < 0); // softmax minus the drawn class
        FloatTensor gradient = found[node];
        float step = 1e-2f / System.Numerics.Tensors.TensorPrimitives.Norm<float>(gradient.Span);
        double difference = (Loss(step) - Loss(-step)) / (2 * step);
        Assert.Equal(
            1, difference / System.Numerics.Tensors.TensorPrimitives.SumOfSquares<float>(gradient.Span), 0.01);

        double Loss(float scale)
        {
            var shifted = new ShiftedEvaluator(node, gradient, scale);
            FloatTensor answer = new GraphExecutor(model.Graph, model.Weights, shifted).Run(image);
            double largest = answer.Span.ToArray().Max();
            double sum = answer.Span.ToArray().Sum(value => Math.Exp(value - largest));
            return largest + Math.Log(sum) - answer.Span[Array.FindIndex(logits, value => value < 0)];
        }
    }

    /// <summary>A model that segments has a class, and so a gradient, at each place of its map.</summary>
    [Fact]
    public void Maps_are_scored_place_by_place()
    {
        const int places = 6, classes = 4;
        var loss = new SampledClassLoss(classes, places) { Seed = 2 };
        float[] logits = [.. Enumerable.Range(0, places * classes).Select(i => 0.3f * (i * 7 % 5))];
        float[] gradient = new float[logits.Length];
        double value = loss.Compute(0, 0, logits, gradient), expected = 0;
        Assert.Equal(gradient, loss.LogitGradient);
        var drawn = new HashSet<int>();
        for (int place = 0; place < places; place++)
        {
            float[] own = logits[(place * classes)..((place + 1) * classes)];
            float[] slopes = gradient[(place * classes)..((place + 1) * classes)];
            int label = Array.FindIndex(slopes, slope => slope < 0);
            drawn.Add(label);
            Assert.Equal(0, slopes.Sum(), 5);
            expected += Math.Log(own.Sum(logit => Math.Exp(logit))) - own[label];
        }
        Assert.Equal(expected, value, 4);
        Assert.True(drawn.Count > 1); // each place has a draw of its own
    }

    /// <summary>In float32, maps have the accuracy that <c>eval</c> measures; images may have any size.</summary>
    [Fact]
    public void Maps_are_measured_as_by_an_evaluation()
    {
        VisionModel model = VisionModel.LoadShipped("vmamba-seg-builtin");
        using ImageSource images = ImageSource.Open("builtin-masks/test", decoder: null).Take(6, seed: 3);
        CalibrationSet calibration = CalibrationSet.FromImages(images, model.Preprocessing);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, calibration, Ssm);
        using var analysis = new SiteAnalysis(model, quantized, images, 8, 2, seed: 0, default);
        using SegmentationSession session = SegmentationSession.Create(model);
        double? expected = new SegmentationEvaluation(session).Run(images, null, null, default).MeanIou;
        Assert.Equal(expected!.Value, analysis.Float.MeanIou!.Value, 3);
        Assert.Equal((1.0, null), (analysis.Float.SameTop1, analysis.Float.LogitSnrDb));
        AnswerEffect all = analysis.Effect((_, _) => true, default);
        Assert.InRange(all.SameTop1, 0.9, 0.9999);
    }

    [Fact]
    public void The_command_takes_models_that_segment()
    {
        JsonElement result = CliRunner.RunJson(
            "sensitivity", "vmamba-seg-builtin", "--calibration", "builtin-masks/train", "--images", "4", "--data",
            "builtin-masks/test", "--limit", "3", "--scope", "full", "--exact", "2");
        Assert.InRange(result.GetProperty("floatMeanIou").GetDouble(), 0.4, 1);
        Assert.InRange(result.GetProperty("all").GetProperty("meanIou").GetDouble(), 0.2, 1);
        Assert.Equal(3, result.GetProperty("labeled").GetInt32());
        Assert.Contains(
            result.GetProperty("sites").EnumerateArray(),
            site => site.GetProperty("node").GetString()!.StartsWith("decode_head", StringComparison.Ordinal)
                && site.GetProperty("score").ValueKind == JsonValueKind.Number);
    }

    /// <summary>Without sites it is the scan; with all of them, nearly the integer scan.</summary>
    [Fact]
    public void A_partial_scan_lies_between_float_and_integers()
    {
        VisionModel model = MicroModel.Load();
        QuantizedModel quantized = MicroModel.Quantize(model, Ssm);
        (string name, QuantizedScan scan) = quantized.Scans.First();
        Node node = quantized.Graph[name];
        FloatTensor[] inputs = [.. node.Inputs.Select(
            (input, i) => MicroModel.Images(model, 1, (ulong)i).Reshape([3 * 32 * 32]) is var values
                ? FloatTensor.From(
                    input.Shape.Prepend(1),
                    [.. Enumerable.Range(0, (int)input.Shape.ElementCount).Select(k => 0.5f * values.Span[k % 3000])])
                : null!)];
        FloatTensor delta = inputs[1].Clone();
        foreach (ref float value in delta.Span)
            value = MathF.Log(1 + MathF.Exp(value));
        FloatTensor[] parameters = [.. node.ParameterNames.Select(parameter => model.Weights[parameter])];
        FloatTensor exact = node.Operator.Forward([inputs[0], delta, inputs[2], inputs[3]], parameters);
        FloatTensor none = new PartialScan(scan, new HashSet<SiteKind>(), threads: 2).Run(inputs, parameters);
        Assert.True(Error(none, exact) < 1e-5);
        FloatTensor integer = SimulatedScan.Run(scan, inputs, parameters[1]);
        FloatTensor all = new PartialScan(scan, SiteList.OfScans.ToHashSet(), threads: 2).Run(inputs, parameters);
        Assert.True(Error(all, integer) < 0.3 * Error(integer, exact));

        static double Error(FloatTensor x, FloatTensor y) =>
            System.Numerics.Tensors.TensorPrimitives.Distance<float>(x.Span, y.Span)
            / System.Numerics.Tensors.TensorPrimitives.Norm<float>(y.Span);
    }

    [Fact]
    public void The_command_resumes_with_the_same_answers()
    {
        string[] command =
        [
            "sensitivity", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "8", "--data",
            "builtin/test", "--limit", "16", "--scope", "ssm", "--exact", "4", "--work", _folder["work"],
        ];
        JsonElement first = CliRunner.RunJson(command), second = CliRunner.RunJson(command);
        Assert.Equal((0, 4), (Resumed(first), Resumed(second)));
        Assert.Equal(first.GetProperty("sites").GetRawText(), second.GetProperty("sites").GetRawText());
        CliRunner.Run([.. command, "--bits", "w4a8"]).AssertRefused(_folder["work"], "another analysis");
        string file = Directory.GetFiles(_folder["work"])[0];
        File.WriteAllText(file, "{");
        CliRunner.Run(command).AssertRefused(file, "cannot be read");

        static int Resumed(JsonElement result) => result.GetProperty("resumed").GetInt32();
    }

    [Fact]
    public void What_has_no_sites_of_its_own_is_refused()
    {
        string[] command = ["sensitivity", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "4"];
        CliRunner.Run([.. command, "--method", "ptq4vm+"]).AssertRefused("'ptq4vm+'", "as a whole");
        CliRunner.Run([.. command, "--exact", "x"]).AssertRefused("--exact");
    }

    [Theory]
    [InlineData(new double[] { 1, 2, 3, 4 }, new double[] { 10, 20, 30, 1000 }, 1)]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 3, 2, 1 }, -1)]
    [InlineData(new double[] { 1, 1, 2, 3 }, new double[] { 1, 2, 3, 4 }, 0.9486833)] // ties share a rank
    public void Ranks_correlate(double[] x, double[] y, double expected) =>
        Assert.Equal(expected, RankCorrelation.Of(x, y)!.Value, 6);

    private sealed class ShiftedEvaluator(Node node, FloatTensor shift, float scale) : INodeEvaluator
    {
        public FloatTensor Evaluate(
            Node evaluated, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
        {
            FloatTensor value = evaluated.Operator.Forward(inputs, parameters);
            if (evaluated == node)
                System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(shift.Span, scale, value.Span, value.Span);
            return value;
        }
    }
}
