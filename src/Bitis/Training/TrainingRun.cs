using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Bitis.Checkpoints;

namespace Bitis.Training;

/// <summary>
/// A training with its folder: <c>checkpoint.safetensors</c> to resume from, <c>log.csv</c> and <c>log.json</c> with a row
/// an epoch, <c>best.safetensors</c> and <c>model.safetensors</c> with the averaged weights of the best epoch and the last.
/// </summary>
public sealed class TrainingRun
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromMinutes(2);

    private readonly Trainer _trainer;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string> _description;

    /// <summary>Prepares a run.</summary>
    /// <param name="trainer">What is trained.</param>
    /// <param name="folder">Where the files go; it is created if need be.</param>
    /// <param name="resume">Go on from the folder's checkpoint; it is an error if there is none.</param>
    /// <param name="description">More entries for the metadata of the models, such as the command.</param>
    /// <exception cref="BitisException">The folder has a training already and is not to be resumed, or the other way round.</exception>
    public TrainingRun(Trainer trainer, string folder, bool resume, IReadOnlyDictionary<string, string>? description = null)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        _trainer = trainer;
        _folder = folder;
        _description = description ?? new Dictionary<string, string>();
        bool exists = File.Exists(CheckpointPath);
        if (resume)
        {
            if (!exists)
                throw BitisException.InFile(CheckpointPath, "there is no training to resume here; leave --resume out to start one.");
            TrainingCheckpoint.Restore(trainer, CheckpointPath);
        }
        else if (exists)
        {
            throw BitisException.InFile(CheckpointPath, "this folder has a training already; resume it with --resume, or choose another folder.");
        }
        CreateFolder(folder);
    }

    /// <summary>The averaged weights after the last epoch.</summary>
    public string ModelPath => Path.Combine(_folder, "model.safetensors");

    /// <summary>The averaged weights of the best epoch.</summary>
    public string BestPath => Path.Combine(_folder, "best.safetensors");

    /// <summary>The log as a table.</summary>
    public string LogPath => Path.Combine(_folder, "log.csv");

    private string CheckpointPath => Path.Combine(_folder, "checkpoint.safetensors");

    /// <summary>Trains to the end. A checkpoint is written every two minutes, after each epoch, and on cancellation.</summary>
    /// <param name="progress">Hears of each step.</param>
    /// <param name="epochDone">Hears of each epoch.</param>
    /// <param name="cancellationToken">Stops after a step, when the state is saved.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the state was saved.</exception>
    public void Run(
        IProgress<TrainingProgress>? progress = null, Action<EpochRecord>? epochDone = null, CancellationToken cancellationToken = default)
    {
        long saved = Stopwatch.GetTimestamp();
        while (!_trainer.IsDone)
        {
            EpochRecord record;
            try
            {
                record = _trainer.RunEpoch(SaveNowAndThen, progress, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Save();
                throw;
            }
            FinishEpoch(record);
            epochDone?.Invoke(record);
        }

        void SaveNowAndThen()
        {
            if (Stopwatch.GetElapsedTime(saved) < CheckpointInterval)
                return;
            Save();
            saved = Stopwatch.GetTimestamp();
        }
    }

    private void FinishEpoch(EpochRecord record)
    {
        Dictionary<string, string> description = new(_description)
        {
            ["epochs"] = $"{record.Epoch} of {_trainer.Recipe.Epochs}",
            ["training_data"] = _trainer.Training.Description,
        };
        if (record.ValidationTop1 is { } accuracy)
        {
            description["validation_data"] = _trainer.Validation!.Description;
            description["validation_top1"] = accuracy.ToString("F4");
        }
        _trainer.ToModel().Save(ModelPath, description);
        if (_trainer.History.All(other => other == record || (other.ValidationTop1 ?? 0) < (record.ValidationTop1 ?? 1)))
            File.Copy(ModelPath, BestPath, overwrite: true);
        WriteLogs();
        Save();
    }

    private void Save() => TrainingCheckpoint.Save(_trainer, CheckpointPath);

    private void WriteLogs()
    {
        var text = new StringBuilder("epoch,steps,learning_rate,loss,training_top1,validation_top1,gradient_norm,images_per_second,seconds\n");
        foreach (EpochRecord e in _trainer.History)
        {
            text.Append(
                $"{e.Epoch},{e.Steps},{e.LearningRate:g6},{e.Loss:F5},{e.TrainingTop1:F5},{e.ValidationTop1:F5},{e.GradientNorm:F4},{e.ImagesPerSecond:F1},{e.Seconds:F1}\n");
        }
        Write(LogPath, Encoding.UTF8.GetBytes(text.ToString()));
        Write(
            Path.Combine(_folder, "log.json"),
            JsonSerializer.SerializeToUtf8Bytes(_trainer.History, TrainingJson.Default.IReadOnlyListEpochRecord));
    }

    private static void Write(string path, byte[] bytes) => AtomicFile.Write(path, stream => stream.Write(bytes), CancellationToken.None);

    private static void CreateFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{folder}: the folder cannot be created: {e.Message}", e);
        }
    }
}
