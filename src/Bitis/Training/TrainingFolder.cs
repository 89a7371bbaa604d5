using Bitis.Checkpoints;
using Bitis.Files;
using IOPath = System.IO.Path;

namespace Bitis.Training;

/// <summary>The files of a training in its folder.</summary>
/// <param name="Path">The folder, as the user gave it.</param>
internal sealed record TrainingFolder(string Path)
{
    /// <summary>The last saved state, which <see cref="Trainer.Resume"/> reads.</summary>
    public string Checkpoint => IOPath.Combine(Path, "last.checkpoint.safetensors");

    /// <summary>The model with the best accuracy on the validation images.</summary>
    public string BestModel => IOPath.Combine(Path, "best.safetensors");

    /// <summary>The model at the end of the training.</summary>
    public string FinalModel => IOPath.Combine(Path, "final.safetensors");

    /// <summary>The log as comma-separated values, a row for each epoch.</summary>
    public string LogCsv => IOPath.Combine(Path, "log.csv");

    /// <summary>The log as JSON, with the recipe.</summary>
    public string LogJson => IOPath.Combine(Path, "log.json");

    private string[] Files => [Checkpoint, BestModel, FinalModel, LogCsv, LogJson];

    /// <summary>Checks that the folder has no training and no file of one.</summary>
    /// <exception cref="BitisException">The folder has a training, or a file of one.</exception>
    public void RequireNew()
    {
        if (File.Exists(Checkpoint))
        {
            throw BitisException.InFile(
                Path,
                    "this folder has a training already. Go on with it (--resume), or name another folder for a new "
                    + "one.");
        }
        if (Files.FirstOrDefault(File.Exists) is { } file)
        {
            throw BitisException.InFile(
                Path,
                $"this folder has a {IOPath.GetFileName(file)} already, which a new training would replace, and no "
                + "checkpoint to go on from (--resume). Name another folder, or move the file away.");
        }
    }

    /// <summary>Checks that the folder has a training to resume.</summary>
    /// <exception cref="BitisException">The folder has no training.</exception>
    public void RequireStarted()
    {
        if (!File.Exists(Checkpoint))
        {
            throw BitisException.InFile(
                Path,
                    $"there is no training to resume here: {IOPath.GetFileName(Checkpoint)} is missing. Start one "
                    + "without --resume.");
        }
    }

    /// <summary>Checks before the work that the training's files can be written and do not replace an input.</summary>
    /// <param name="inputs">Files and folders that are read; null ones are skipped.</param>
    /// <exception cref="BitisException">A file cannot be written, or would replace an input.</exception>
    public void RequireWritable(params IEnumerable<string?> inputs)
    {
        OutputFolder.RequireWritable(Path);
        if (!Directory.Exists(Path))
            return;
        foreach (string file in Files)
        {
            using OutputTarget target = OutputTarget.Resolve(file);
            if (target.IsStream)
            {
                throw BitisException.InFile(
                    file, "this is a device or a pipe; a training keeps files. Name another folder.");
            }
            target.RequireOtherThan(inputs);
            target.RequireWritable();
        }
    }

    /// <summary>Removes the files of a training that failed to start.</summary>
    internal void RemoveFiles()
    {
        try
        {
            foreach (string file in Files)
                File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is reported. It says more than this one.
        }
    }

    /// <summary>Locks the folder against other processes that train; disposing unlocks it.</summary>
    /// <exception cref="BitisException">Another process is training in this folder.</exception>
    internal FileStream Lock()
    {
        try
        {
            return new FileStream(
                IOPath.Combine(Path, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1,
                    FileOptions.DeleteOnClose);
        }
        catch (IOException e) when (IsLocked(e))
        {
            throw new BitisException(
                $"{Path}: another process is training here. Wait for it, stop it, or name another folder.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{Path}: no file can be written here: {SystemMessage.Of(e)}.", e);
        }
    }

    /// <summary>The codes for a lock of another process: of Linux, macOS and Windows.</summary>
    private static bool IsLocked(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);
}
