using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Bitis.Cli.Input;
using Bitis.Execution.LowBit;
using Bitis.Models.Vim;
using Bitis.Training.Images;

namespace Bitis.Tests.Cli;

public sealed class TrainingRecipeFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string RecipePath => _folder["recipe.json"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_backward_policy_is_read()
    {
        TrainingRecipe recipe = Load(
            """
            { "backward": { "method": "hlq", "scale": "auto", "basis": "energy", "rank": 4, "activationBits": 4,
              "gradientBits": 8, "overrides": [ { "pattern": "layers.0.*", "method": "exact" } ] } }
            """);
        var expected = new BackwardPolicy
        {
            Method = "hlq",
            Scale = GradientScale.Auto,
            Basis = TokenBasis.Energy,
            Rank = 4,
            ActivationBits = 4,
            GradientBits = 8,
            Overrides = [new BackwardOverride("layers.0.*", "exact")],
        };
        Assert.Equal(expected, recipe.Backward);
    }

    [Fact]
    public void Fields_that_are_given_change_the_default_recipe()
    {
        TrainingRecipe recipe = Load(
            """
            { // comments are allowed
              "model": "vim-mini", "epochs": 7, "batchSize": 32, "learningRate": 2e-3, "minLearningRate": 0,
              "warmUpEpochs": 0.5,
              "weightDecay": 0.1, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-6, "clipNorm": 0, "averageDecay": 0.99,
              "seed": 3,
              "evaluationInterval": 2,
              "augmentation": { "cropPadding": 2, "flip": false, "labelSmoothing": 0, "mixupAlpha": 0.2,
              "cutMixAlpha": 1 },
            }
            """);
        Assert.Equal(
            new TrainingRecipe
            {
                Model = "vim-mini",
                Epochs = 7,
                BatchSize = 32,
                LearningRate = 2e-3,
                MinLearningRate = 0,
                WarmUpEpochs = 0.5,
                WeightDecay = 0.1,
                Beta1 = 0.8,
                Beta2 = 0.9,
                Epsilon = 1e-6,
                ClipNorm = 0,
                AverageDecay = 0.99,
                Seed = 3,
                EvaluationInterval = 2,
                Augmentation = new Augmentation
                {
                    CropPadding = 2,
                    Flip = false,
                    LabelSmoothing = 0,
                    MixupAlpha = 0.2f,
                    CutMixAlpha = 1,
                },
            },
            recipe);
        Assert.Equal(new TrainingRecipe(), Load("{}"));
    }

    [Fact]
    public void An_architecture_of_ones_own_may_name_its_family_anywhere()
    {
        TrainingRecipe recipe = Load(
            """
            { "config": { "imageSize": 32, "patchSize": 8, "stride": 8, "width": 16, "innerWidth": 32, "depth": 2,
            "deltaRank": 1,
              "classes": 5, "classToken": "first", "family": "vim" } }
            """);
        Assert.Equal(ClassTokenPosition.First, Assert.IsType<VimConfig>(recipe.Config).ClassToken);
    }

    [Theory]
    [InlineData("{\n\"epoch\": 3}", "line 2", "'epoch'", "epochs", "batchSize")]
    [InlineData("{\"augmentation\": { \"crop\": 4 }}", "'augmentation.crop'", "cropPadding, flip")]
    [InlineData("{\"epochs\": \"many\"}", "'epochs'", "whole number")]
    [InlineData("{\"epochs\": 1.5}", "'epochs'", "whole number")]
    [InlineData("{\"epochs\": 0}", "epochs is 0", "1 to")]
    [InlineData("{\"epochs\": 99999999999}", "'epochs'")]
    [InlineData("{\"learningRate\": -1}", "learningRate is -1")]
    [InlineData("{\"learningRate\": 1e999}", "learningRate")]
    [InlineData("{\"minLearningRate\": 1}", "minLearningRate is 1", "0 to the learningRate")]
    [InlineData("{\"warmUpEpochs\": 31}", "warmUpEpochs is 31")]
    [InlineData("{\"weightDecay\": 2}", "weightDecay is 2")]
    [InlineData("{\"beta1\": 1}", "beta1 is 1")]
    [InlineData("{\"beta2\": -0.1}", "beta2 is -0.1")]
    [InlineData("{\"epsilon\": 0}", "epsilon is 0")]
    [InlineData("{\"clipNorm\": -1}", "clipNorm is -1")]
    [InlineData("{\"averageDecay\": 1}", "averageDecay is 1")]
    [InlineData("{\"evaluationInterval\": 0}", "evaluationInterval is 0")]
    [InlineData("{\"seed\": -1}", "seed is -1")]
    [InlineData("{\"augmentation\": null}", "'augmentation'")]
    [InlineData("{\"augmentation\": { \"flip\": 1 }}", "'augmentation.flip'", "true or false")]
    [InlineData("{\"augmentation\": { \"labelSmoothing\": 2 }}", "label smoothing of 2")]
    [InlineData("{\"model\": \"vim-huge\"}", "'vim-huge'", "vim-micro")]
    [InlineData("{\"model\": null}", "'model'")]
    [InlineData("{\"config\": { \"family\": \"vgg\" }}", "'config", "family")]
    [InlineData("{\"config\": { \"width\": 3 }}", "config", "family")]
    [InlineData("{\"config\": { \"family\": \"vim\", \"width\": 3 }}", "'config", "imageSize")]
    [InlineData("{\"config\": { \"family\": \"vim\", \"widht\": 3 }}", "'config.widht'")]
    [InlineData("[1]", "not a training recipe")]
    [InlineData("null", "not a training recipe")]
    [InlineData("", "0 bytes")]
    public void What_is_not_a_recipe_is_refused_with_its_place(string text, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(() => Load(text));
        Assert.StartsWith(RecipePath, e.Message);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }

    [Fact]
    public void The_example_of_the_documentation_is_a_recipe()
    {
        string page = File.ReadAllText(Path.Combine(Root(), "docs", "training.md"));
        TrainingRecipe recipe = Load(page.Split("```json\n")[1].Split("\n```")[0]);
        Assert.Equal(64, recipe.BatchSize);
        Assert.Equal(1, recipe.Augmentation.CutMixAlpha);
    }

    [Fact]
    public void The_documentation_has_every_field()
    {
        string page = File.ReadAllText(Path.Combine(Root(), "docs", "training.md"));
        foreach (PropertyInfo property in
            typeof(TrainingRecipe).GetProperties().Concat(typeof(Augmentation).GetProperties()))
        {
            Assert.Contains($"`{JsonNamingPolicy.CamelCase.ConvertName(property.Name)}`", page);
        }
    }

    private static string Root([CallerFilePath] string file = "") =>
        Directory.GetParent(file)!.Parent!.Parent!.Parent!.FullName;

    private TrainingRecipe Load(string text)
    {
        File.WriteAllText(RecipePath, text);
        return TrainingRecipeFile.Load(RecipePath);
    }
}
