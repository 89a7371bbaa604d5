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
using Bitis.Tensors;
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
        IReadOnlyDictionary<Node, FloatTensor> found = gradients.Run(image, first: 0, draw: 0);
        float[] logits = found[model.Graph.Output].Span.ToArray();
        Assert.Equal(0, logits.Sum(), 5);
        FloatTensor gradient = found[node];
        float step = 1e-2f / System.Numerics.Tensors.TensorPrimitives.Norm<float>(gradient.Span);
        double difference = (Loss(step) - Loss(-step)) / (2 * step);
        Assert.Equal(
            1, difference / System.Numerics.Tensors.TensorPrimitives.SumOfSquares<float>(gradient.Span), 0.01);

        // The logits along the loss's gradient with respect to them.
        double Loss(float scale)
        {
            var shifted = new ShiftedEvaluator(node, gradient, scale);
            FloatTensor answer = new GraphExecutor(model.Graph, model.Weights, shifted).Run(image);
            return logits.Select((slope, label) => (double)slope * answer.Span[label]).Sum();
        }
    }

    /// <summary>The mean square of the gradient along a noise is the divergence's curvature along it.</summary>
    [Fact]
    public void Squares_of_gradients_are_the_curvature()
    {
        const int seeds = 4000, draws = 8; // at least as many as classes
        float[] logits = [7, 1, 0.5f, -2, 0], noise = [0.1f, -0.3f, 0.2f, 0.4f, 0], gradient = new float[5];
        double sum = logits.Sum(logit => Math.Exp(logit)), mean = 0, meanSquare = 0;
        foreach ((int label, float logit) in logits.Index())
        {
            mean += Math.Exp(logit) / sum * noise[label];
            meanSquare += Math.Exp(logit) / sum * noise[label] * noise[label];
        }
        double curvature = meanSquare - (mean * mean);
        double[] squares = [.. Enumerable.Range(0, seeds).Select(seed => Square(seed, draw: 0))];
        Assert.Equal(1, squares.Average() / curvature, 0.1);
        // No seed stands for most of the sum, though the answer is 99 % sure.
        Assert.True(squares.Max() < 6 * curvature, $"{squares.Max()} of {curvature}");
        Assert.Equal(1, Enumerable.Range(0, draws).Average(draw => Square(seed: 3, draw)) / curvature, 1e-3);

        double Square(int seed, int draw)
        {
            var loss = new CurvatureLoss(logits.Length, places: 1)
            {
                Seed = SeededRandom.ForPart(5, (ulong)seed).NextBits(),
                Draw = draw,
            };
            loss.Compute(0, 0, logits, gradient);
            return Math.Pow(System.Numerics.Tensors.TensorPrimitives.Dot<float>(gradient, noise), 2);
        }
    }

    /// <summary>A model that segments has signs, and so a gradient, at each place of its map.</summary>
    [Fact]
    public void Maps_are_scored_place_by_place()
    {
        const int places = 6, classes = 4;
        var loss = new CurvatureLoss(classes, places) { Seed = 2 };
        float[] logits = [.. Enumerable.Range(0, places * classes).Select(i => 0.3f * (i * 7 % 5))];
        float[] gradient = new float[logits.Length];
        loss.Compute(0, 0, logits, gradient);
        Assert.Equal(gradient, loss.LogitGradient);
        var signs = new HashSet<string>();
        for (int place = 0; place < places; place++)
        {
            float[] own = logits[(place * classes)..((place + 1) * classes)];
            float[] slopes = gradient[(place * classes)..((place + 1) * classes)];
            double sum = own.Sum(logit => Math.Exp(logit));
            double[] shares = [.. own.Select(logit => Math.Exp(logit) / sum)];
            // A slope is ±√p − p·s: the signs are those that explain all slopes with one sum s.
            int fitting = Enumerable.Range(0, 1 << classes).Single(bits =>
            {
                double[] signed = [.. shares.Select((p, label) => Math.Sqrt(p) * ((bits >> label & 1) == 0 ? 1 : -1))];
                return slopes.Index().All(
                    entry => Math.Abs(signed[entry.Index] - (shares[entry.Index] * signed.Sum()) - entry.Item) < 1e-5);
            });
            signs.Add($"{fitting}");
        }
        Assert.True(signs.Count > 1); // each place has signs of its own
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

    /// <summary>Several bits share a table. A site with the same bits in both is there once.</summary>
    [Fact]
    public void Several_bits_are_scored_together()
    {
        string[] command =
        [
            "sensitivity", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "8", "--data",
            "builtin/test", "--limit", "16", "--exact", "3", "--work", _folder["several"],
        ];
        JsonElement one = CliRunner.RunJson([.. command[..^2], "--bits", "w8a8"]),
            both = CliRunner.RunJson([.. command, "--bits", "w8a8,w4a8,w4a4"]),
            again = CliRunner.RunJson([.. command, "--bits", "w8a8,w4a8,w4a4"]);
        Assert.Equal(["w8a8", "w4a8", "w4a4"], both.GetProperty("widths").EnumerateArray()
            .Select(width => width.GetProperty("bits").GetString()));
        Assert.True(
            Noise(both.GetProperty("widths")[2].GetProperty("all")) < Noise(both.GetProperty("all")));
        Assert.Equal(one.GetProperty("all").GetRawText(), both.GetProperty("all").GetRawText());
        (string, int)[] single = Rows(one), rows = Rows(both);
        Assert.Equal(2 * single.Length, rows.Length);
        Assert.Equal(rows.Distinct(), rows);
        Assert.All(single, row => Assert.Contains(row, rows));
        Assert.Equal(3, again.GetProperty("resumed").GetInt32());
        Assert.Equal(both.GetProperty("sites").GetRawText(), again.GetProperty("sites").GetRawText());
        string text = CliRunner.Run([.. command, "--bits", "w8a8,w4a4"]).Output;
        Assert.Contains("all sites in w8a8", text, StringComparison.Ordinal);
        Assert.Contains("all sites in w4a4", text, StringComparison.Ordinal);
        Assert.Contains(
            $"score {rows.Length} sites",
            CliRunner.Run([.. command, "--bits", "w8a8,w4a8,w4a4", "--dry-run"]).Output, StringComparison.Ordinal);

        static double Noise(JsonElement effect) => effect.GetProperty("logitSnrDb").GetDouble();

        static (string, int)[] Rows(JsonElement result) =>
        [
            .. result.GetProperty("sites").EnumerateArray().Select(
                site => (site.GetProperty("site").GetString()!, site.GetProperty("bits").GetInt32())),
        ];
    }

    [Fact]
    public void What_has_no_sites_of_its_own_is_refused()
    {
        string[] command = ["sensitivity", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "4"];
        CliRunner.Run([.. command, "--method", "ptq4vm+"]).AssertRefused("'ptq4vm+'", "as a whole");
        CliRunner.Run([.. command, "--exact", "x"]).AssertRefused("--exact");
        CliRunner.Run([.. command, "--bits", "w8a8,x"]).AssertRefused("'x' is not a bit width");
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
