namespace Bitis.Training.Losses;

/// <summary>What the outputs of a model should be for the images of a batch. Threads may share it.</summary>
internal abstract class OutputLoss
{
    /// <summary>How many images have targets.</summary>
    public abstract int Images { get; }

    /// <summary>The part of an image's loss that comes from one of the model's outputs.</summary>
    /// <param name="image">The image.</param>
    /// <param name="output">The index of the output.</param>
    /// <param name="values">The output, row by row.</param>
    /// <param name="gradient">Receives the gradient of the result with respect to the output.</param>
    public abstract double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient);
}
