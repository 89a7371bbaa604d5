using System.Globalization;
using System.Text;
using System.Text.Json;
using Bitis.Files;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;

namespace Bitis.Training.Loop;

/// <summary>The log of a training, as two files with a row for each finished epoch.</summary>
/// <remarks>Both are written completely, from the checkpoint's data. So a resumed training has each row once.</remarks>
/// <param name="Identity">The model, the recipe and the images of the training.</param>
/// <param name="Epochs">The finished epochs.</param>
internal sealed record TrainingLog(TrainingIdentity Identity, IReadOnlyList<EpochRecord> Epochs)
{
    /// <summary>The columns of the accuracy of images with a class each, of pixels and of poses.</summary>
    private static readonly (string Name, Func<EpochRecord, double?> Value)[]
        OfImages = [("train_top1", e => e.TrainTop1), ("validation_top1", e => e.ValidationTop1)],
        OfPixels =
        [
            ("train_pixel_accuracy", e => e.TrainPixelAccuracy), ("validation_miou", e => e.ValidationMeanIou),
            ("validation_pixel_accuracy", e => e.ValidationPixelAccuracy),
        ],
        OfPoses =
        [
            ("validation_position_error", e => e.ValidationPositionError),
            ("validation_size_error", e => e.ValidationSizeError),
            ("validation_angle_error", e => e.ValidationAngleError),
        ];

    private (string Name, Func<EpochRecord, double?> Value)[] Accuracies =>
        Identity.Config is IDenseConfig ? OfPixels : Identity.Config is PoseConfig ? OfPoses : OfImages;

    /// <summary>Writes or replaces the comma-separated form.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void WriteCsv(string path)
    {
        var text = new StringBuilder("epoch,step,learning_rate,train_loss,")
            .AppendJoin(',', Accuracies.Select(column => column.Name))
            .Append(",gradient_norm,images_per_second,seconds\n");
        foreach (EpochRecord e in Epochs)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"{e.Epoch},{e.Step},{e.LearningRate:G6},{e.TrainLoss:F6},");
            foreach ((_, Func<EpochRecord, double?> value) in Accuracies)
                text.Append(CultureInfo.InvariantCulture, $"{value(e):F6},");
            text.Append(CultureInfo.InvariantCulture, $"{e.GradientNorm:G6},{e.ImagesPerSecond:F2},{e.Seconds:F2}\n");
        }
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Writes or replaces the JSON form, which has the recipe, too.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void WriteJson(string path) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, TrainingJson.Default.TrainingLog));
}
