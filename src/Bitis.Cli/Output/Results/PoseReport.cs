using Bitis.Cli.Input;
using Bitis.Evaluation;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis eval</c> for a model that gives poses: mean absolute errors.</summary>
/// <remarks>Positions and sizes are in pixels of the model's input, angles in degrees.</remarks>
internal sealed record PoseReport(
    string Model,
    string Kind,
    string Data,
    long Images,
    long Skipped,
    double PositionError,
    double SizeError,
    double AngleError,
    double Loss,
    double ImagesPerSecond,
    string Device,
    int Threads) : ICommandResult
{
    /// <summary>Creates the report of an evaluation.</summary>
    public static PoseReport Of(
        LoadedModel model, string data, PoseErrors errors, long skipped, TimeSpan time, InferenceSession session) =>
        new(
            model.Reference,
            model.KindIn(session.Floats),
            data,
            errors.Images,
            skipped,
            errors.Position,
            errors.Size,
            errors.Angle,
            errors.Loss,
            errors.Images / time.TotalSeconds,
            session.Device,
            session.Threads);

    /// <inheritdoc />
    public void Describe(Report report) => report.Fields(
        ("model", $"{Model} ({Kind})"),
        ("images", $"{Data}; {Images} evaluated"),
        ("left out", Format.Undecodable(Skipped)),
        ("position", $"{PositionError:0.000} pixels, mean absolute error of each coordinate"),
        ("size", $"{SizeError:0.000} pixels, of the radius"),
        ("angle", $"{AngleError:0.00} degrees, modulo 60"),
        ("loss", $"{Loss:0.00000}, mean squared error of the encoded numbers"),
        ("speed", $"{ImagesPerSecond:0.0} images/s on {Format.Place(Device, Threads)}"));
}
