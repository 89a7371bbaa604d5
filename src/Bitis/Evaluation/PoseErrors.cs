using Bitis.Data;
using Bitis.Models.Poses;

namespace Bitis.Evaluation;

/// <summary>The mean absolute errors of poses.</summary>
internal sealed class PoseErrors
{
    private double _position, _size, _angle, _loss;

    /// <summary>How many images were added.</summary>
    public long Images { get; private set; }

    /// <summary>The mean absolute error of the two coordinates of centres, in pixels.</summary>
    public double Position => _position / (2 * Images);

    /// <summary>The mean absolute error of radii, in pixels.</summary>
    public double Size => _size / Images;

    /// <summary>The mean absolute error of angles modulo <see cref="PoseEncoding.Period"/>, in degrees.</summary>
    public double Angle => _angle / Images;

    /// <summary>The mean squared error of the encoded numbers.</summary>
    public double Loss => _loss / (PoseEncoding.Numbers * Images);

    /// <summary>Adds an image.</summary>
    /// <param name="numbers">What the model gave.</param>
    /// <param name="truth">The pose of the shape.</param>
    /// <param name="side">The side of the model's input, in pixels.</param>
    public void Add(ReadOnlySpan<float> numbers, ShapePose truth, int side)
    {
        ShapePose pose = PoseEncoding.Decode(numbers, side);
        _position += Math.Abs(pose.X - truth.X) + Math.Abs(pose.Y - truth.Y);
        _size += Math.Abs(pose.Radius - truth.Radius);
        _angle += PoseEncoding.AngleBetween(pose.Angle, truth.Angle);
        Span<float> expected = stackalloc float[PoseEncoding.Numbers];
        PoseEncoding.Encode(truth, side, expected);
        for (int i = 0; i < expected.Length; i++)
            _loss += Math.Pow(numbers[i] - (double)expected[i], 2);
        Images++;
    }
}
