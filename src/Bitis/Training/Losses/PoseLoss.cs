using Bitis.Data;
using Bitis.Models.Poses;

namespace Bitis.Training.Losses;

/// <summary>The mean squared error of the numbers of a pose.</summary>
/// <param name="side">The side of the images, in pixels.</param>
internal sealed class PoseLoss(int side) : OutputLoss
{
    /// <summary>The pose in each image.</summary>
    public ShapePose[] Poses { get; set; } = [];

    /// <inheritdoc />
    public override int Images => Poses.Length;

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        Span<float> targets = stackalloc float[PoseEncoding.Numbers];
        PoseEncoding.Encode(Poses[image], side, targets);
        double sum = 0;
        for (int i = 0; i < targets.Length; i++)
        {
            double difference = values[i] - (double)targets[i];
            sum += difference * difference;
            gradient[i] = (float)(2 * difference / targets.Length);
        }
        return sum / targets.Length;
    }
}
