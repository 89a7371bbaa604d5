using Bitis.Evaluation;

namespace Bitis.Cli.Runtimes;

/// <summary>The mean differences of poses.</summary>
/// <param name="Position">Of the two coordinates of centres, in pixels.</param>
/// <param name="Size">Of radii, in pixels.</param>
/// <param name="Angle">Of angles, in degrees.</param>
internal sealed record PoseDifference(double Position, double Size, double Angle)
{
    public static PoseDifference Of(PoseErrors errors) => new(errors.Position, errors.Size, errors.Angle);

    /// <summary>The differences in one line.</summary>
    public string Describe() =>
        $"poses differ by {Position:0.000} pixels, radii by {Size:0.000}, angles by {Angle:0.00}°";
}
