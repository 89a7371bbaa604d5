using System.Text.Json;
using Bitis.Execution.LowBit;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Poses;
using Bitis.Training.Images;
using Bitis.Training.Loop;
using Bitis.Training.Optimization;

namespace Bitis;

/// <summary>Says how to train a model.</summary>
/// <remarks>It holds everything that a result depends on, besides the images and the initial weights.</remarks>
public sealed record TrainingRecipe
{
    // Bounds that catch typing errors before they cost hours.
    private const int MaxEpochs = 100_000, MaxBatchSize = 1 << 16;
    private const double MaxLearningRate = 10, MaxClipNorm = 1e6;

    /// <summary>
    /// The architecture's name: one of <see cref="SmallModels.Names"/>. The images tell how many classes there are.
    /// </summary>
    public string Model { get; init; } = "vim-micro";

    /// <summary>
    /// The architecture's configuration, instead of <see cref="Model"/>; null to use <see cref="Model"/>.
    /// </summary>
    public ModelConfig? Config { get; init; }

    /// <summary>How many times the training passes over all images.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>The images of a step.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>η, the learning rate after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate after the last step.</summary>
    public double MinLearningRate { get; init; } = 1e-5;

    /// <summary>The epochs over which the learning rate rises from 0; fractions are allowed.</summary>
    public double WarmUpEpochs { get; init; } = 1;

    /// <summary>
    /// λ, the decay of the weights of linear layers and convolutions; it is multiplied by the learning rate.
    /// </summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>β₁, the decay rate of AdamW's mean gradient.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂, the decay rate of AdamW's mean squared gradient.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, which AdamW adds to the root of the mean squared gradient.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest norm of the gradient of all parameters together; 0 for no limit.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>The decay rate of the averaged weights, which are evaluated and saved; 0 for no averaging.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>The seed of initial weights, order of images, augmentation and backward pass.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// The number of epochs between evaluations of the validation images. The last epoch is always evaluated.
    /// </summary>
    public int EvaluationInterval { get; init; } = 1;

    /// <summary>How training images are varied.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>How the backward pass of linear and convolutional layers is computed.</summary>
    public BackwardPolicy Backward { get; init; } = BackwardPolicy.Exact;

    /// <summary>The layers that do not learn: patterns of their names with <c>*</c> and <c>?</c>.</summary>
    /// <remarks>
    /// The patterns are those of <see cref="BackwardPolicy.Overrides"/>, but for all layers with weights:
    /// <c>layers.0.*</c>, <c>patch_embed*</c>.
    /// </remarks>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>The architecture for a number of classes.</summary>
    /// <exception cref="BitisException">
    /// There is no architecture of this name, or the recipe's config has another number of classes.
    /// </exception>
    public ModelConfig ConfigFor(int classes)
    {
        if (Config is null)
        {
            return classes > 0 ? SmallModels.Get(Model, classes) : throw new BitisException(
                "Labels of pixels do not tell how many classes there are. Name the classes (--classes FILE), or give "
                + "a config with their number in a recipe.");
        }
        return Config.Classes == classes || classes == 0 || Config is PoseConfig ? Config : throw new BitisException(
            $"The recipe's config has {DisplayText.Count(Config.Classes, "class")}, the training images have "
                + $"{classes}; the numbers must be the same.");
    }

    /// <summary>Checks that all values are in their ranges.</summary>
    /// <exception cref="BitisException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        if (Config is null)
            SmallModels.Get(Model, classes: 1);
        else
            Config.Validate();
        Require(Epochs is >= 1 and <= MaxEpochs, "epochs", Epochs, $"1 to {MaxEpochs}");
        Require(BatchSize is >= 1 and <= MaxBatchSize, "batchSize", BatchSize, $"1 to {MaxBatchSize}");
        Require(
            LearningRate is > 0 and <= MaxLearningRate, "learningRate", LearningRate,
            $"more than 0, at most {MaxLearningRate}");
        Require(
            MinLearningRate >= 0 && MinLearningRate <= LearningRate, "minLearningRate", MinLearningRate,
            "0 to the learningRate");
        Require(WarmUpEpochs >= 0 && WarmUpEpochs <= Epochs, "warmUpEpochs", WarmUpEpochs, "0 to the epochs");
        Require(WeightDecay is >= 0 and <= 1, "weightDecay", WeightDecay, "0 to 1");
        Require(Beta1 is >= 0 and < 1, "beta1", Beta1, "at least 0 and less than 1");
        Require(Beta2 is >= 0 and < 1, "beta2", Beta2, "at least 0 and less than 1");
        Require(Epsilon is > 0 and <= 1, "epsilon", Epsilon, "more than 0, at most 1");
        Require(ClipNorm is >= 0 and <= MaxClipNorm, "clipNorm", ClipNorm, $"0 (no limit) to {MaxClipNorm}");
        Require(
            AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "at least 0 (no averaging) and less than 1");
        Require(Seed >= 0, "seed", Seed, "at least 0");
        Require(EvaluationInterval >= 1, "evaluationInterval", EvaluationInterval, "at least 1");
        Augmentation.Validate();
        Backward.Validate();
    }

    /// <summary>
    /// Refuses values that have no effect. Only new trainings are checked, since older ones may have such values.
    /// </summary>
    /// <exception cref="BitisException">A value has no effect; the message names it.</exception>
    public void RequireUsed()
    {
        if (Config is not null && Model != new TrainingRecipe().Model)
        {
            throw new BitisException(
                $"The recipe's model '{Model}' does nothing beside a config: leave one of the two out.");
        }
        Backward.RequireUsed();
    }

    /// <summary>Compares lists by their contents. The equality of records would compare them by reference.</summary>
    public bool Equals(TrainingRecipe? other) => other is not null && Text == other.Text;

    /// <inheritdoc />
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    private string Text => JsonSerializer.Serialize(this, TrainingJson.Default.TrainingRecipe);

    private static void Require(bool condition, string name, object value, string expected)
    {
        if (!condition)
            throw new BitisException($"The recipe's {name} is {value}; expected {expected}.");
    }
}
