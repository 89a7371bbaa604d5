namespace Bitis.Cli.Commands.Choosing;

/// <summary>The images of a command that chooses.</summary>
/// <param name="calibrationSource">The set that the calibration is drawn from.</param>
/// <param name="drawn">The images that calibrate.</param>
/// <param name="calibration">The same as a calibration set.</param>
/// <param name="dataSource">The set to measure with; null if it is the calibration.</param>
/// <param name="measured">The images to measure with.</param>
internal sealed class ChoosingImages(
    ImageSource calibrationSource, ImageSource drawn, CalibrationSet calibration, ImageSource? dataSource,
    ImageSource measured) : IDisposable
{
    /// <summary>The images that calibrate.</summary>
    public ImageSource Drawn => drawn;

    /// <summary>The images that calibrate, as a set.</summary>
    public CalibrationSet Calibration => calibration;

    /// <summary>Where they come from.</summary>
    public string CalibrationDescription => calibrationSource.Description;

    /// <summary>The images to measure with.</summary>
    public ImageSource Measured => measured;

    /// <summary>Where they come from; null if they are those of the calibration.</summary>
    public string? DataDescription => dataSource?.Description;

    /// <inheritdoc />
    public void Dispose()
    {
        dataSource?.Dispose();
        calibrationSource.Dispose();
    }
}
