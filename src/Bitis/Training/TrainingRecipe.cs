namespace Bitis.Training;

/// <summary>How a model is trained. The defaults suit small images and some tens of epochs.</summary>
public sealed record TrainingRecipe
{
    /// <summary>How often every image is seen.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>Images a step.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The learning rate after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate at the end of the cosine.</summary>
    public double MinLearningRate { get; init; } = 1e-5;

    /// <summary>Epochs in which the learning rate grows from 0; may be a fraction.</summary>
    public double WarmUpEpochs { get; init; } = 1;

    /// <summary>AdamW's decoupled decay λ. Norms, biases, A_log, D, tokens and positions do not decay.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>AdamW's β₁.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's β₂.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's ε.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The gradient's largest norm over all parameters; 0 for no limit.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>The decay of the weights' exponential moving average, which is what is evaluated and kept; 0 for none.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Where all random numbers start: weights, order of the images, augmentation.</summary>
    public int Seed { get; init; }

    /// <summary>How the images vary.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="BitisException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        Require(Epochs is >= 1 and <= 100_000, "epochs", Epochs, "1 to 100000");
        Require(BatchSize is >= 1 and <= 65_536, "batchSize", BatchSize, "1 to 65536");
        Require(LearningRate is > 0 and <= 10, "learningRate", LearningRate, "more than 0 and at most 10");
        Require(MinLearningRate >= 0 && MinLearningRate <= LearningRate, "minLearningRate", MinLearningRate, "0 to the learning rate");
        Require(WarmUpEpochs >= 0 && WarmUpEpochs <= Epochs, "warmUpEpochs", WarmUpEpochs, "0 to the number of epochs");
        Require(WeightDecay is >= 0 and <= 10, "weightDecay", WeightDecay, "0 to 10");
        Require(Beta1 is >= 0 and < 1, "beta1", Beta1, "at least 0 and less than 1");
        Require(Beta2 is >= 0 and < 1, "beta2", Beta2, "at least 0 and less than 1");
        Require(Epsilon is > 0 and <= 1, "epsilon", Epsilon, "more than 0 and at most 1");
        Require(ClipNorm is >= 0 and <= 1e6, "clipNorm", ClipNorm, "0 (no limit) to 1000000");
        Require(AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "at least 0 and less than 1");
        Require(Seed >= 0, "seed", Seed, "at least 0");
        Augmentation.Validate();
    }

    private static void Require(bool condition, string name, object value, string expected)
    {
        if (!condition)
            throw new BitisException($"The training recipe's {name} is {value}; expected {expected}.");
    }
}
