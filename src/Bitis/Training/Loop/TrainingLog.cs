using System.Globalization;
using System.Text;
using System.Text.Json;
using Bitis.Files;

namespace Bitis.Training.Loop;

/// <summary>The log of a training, as two files with a row for each finished epoch.</summary>
/// <remarks>Both are written completely, from the checkpoint's data. So a resumed training has each row once.</remarks>
/// <param name="Identity">The model, the recipe and the images of the training.</param>
/// <param name="Epochs">The finished epochs.</param>
internal sealed record TrainingLog(TrainingIdentity Identity, IReadOnlyList<EpochRecord> Epochs)
{
    private const string CsvHeader =
        "epoch,step,learning_rate,train_loss,train_top1,validation_top1,gradient_norm,images_per_second,seconds";

    /// <summary>Writes or replaces the comma-separated form.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void WriteCsv(string path)
    {
        var text = new StringBuilder(CsvHeader).Append('\n');
        foreach (EpochRecord e in Epochs)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{e.Epoch},{e.Step},{e.LearningRate:G6},{e.TrainLoss:F6},{e.TrainTop1:F6},{e.ValidationTop1:F6},"
                + $"{e.GradientNorm:G6},{e.ImagesPerSecond:F2},{e.Seconds:F2}\n");
        }
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Writes or replaces the JSON form, which has the recipe, too.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public void WriteJson(string path) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, TrainingJson.Default.TrainingLog));
}
