using Bitis.Checkpoints;
using IOPath = System.IO.Path;

namespace Bitis.Training;

/// <summary>The files of a training, which has a folder of its own.</summary>
/// <param name="Path">The folder, as the user gave it.</param>
public sealed record TrainingFolder(string Path)
{
    /// <summary>The state after the last step that was saved; what <see cref="Trainer.Resume"/> reads.</summary>
    public string Checkpoint => IOPath.Combine(Path, "last.checkpoint.safetensors");

    /// <summary>The model that did best on the validation images.</summary>
    public string BestModel => IOPath.Combine(Path, "best.safetensors");

    /// <summary>The model at the end of the training.</summary>
    public string FinalModel => IOPath.Combine(Path, "final.safetensors");

    /// <summary>The log as comma-separated values, a row for each epoch.</summary>
    public string LogCsv => IOPath.Combine(Path, "log.csv");

    /// <summary>The log as JSON, with the recipe.</summary>
    public string LogJson => IOPath.Combine(Path, "log.json");

    /// <summary>Makes sure that there is no training yet.</summary>
    /// <exception cref="BitisException">There is one.</exception>
    public void RequireNew()
    {
        if (File.Exists(Checkpoint))
        {
            throw BitisException.InFile(
                Path, "this folder has a training already. Go on with it (--resume), or name another folder for a new one.");
        }
    }

    /// <summary>Makes sure that there is a training to resume.</summary>
    /// <exception cref="BitisException">There is none.</exception>
    public void RequireStarted()
    {
        if (!File.Exists(Checkpoint))
        {
            throw BitisException.InFile(
                Path, $"there is no training to resume here: {IOPath.GetFileName(Checkpoint)} is missing. Start one without --resume.");
        }
    }

    /// <summary>Finds out before the work that a file of the training cannot be written, or would replace what is
    /// read.</summary>
    /// <param name="inputs">Files and folders that are read; null ones are skipped.</param>
    /// <exception cref="BitisException">One cannot, or would.</exception>
    public void RequireWritable(params IEnumerable<string?> inputs)
    {
        OutputFolder.RequireWritable(Path);
        if (!Directory.Exists(Path))
            return;
        foreach (string file in (string[])[Checkpoint, BestModel, FinalModel, LogCsv, LogJson])
        {
            using OutputTarget target = OutputTarget.Resolve(file);
            if (target.IsStream)
                throw BitisException.InFile(file, "this is a device or a pipe; a training keeps files. Name another folder.");
            target.RequireOtherThan(inputs);
            target.RequireWritable();
        }
    }

    /// <summary>Creates the folder where it is missing.</summary>
    /// <exception cref="BitisException">It cannot be created.</exception>
    public void Create() => OutputFolder.Create(Path);

    /// <summary>Keeps other processes from training here; disposing allows them to.</summary>
    /// <exception cref="BitisException">Another one is training here already.</exception>
    internal FileStream Lock()
    {
        try
        {
            return new FileStream(
                IOPath.Combine(Path, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException(
                $"{Path}: another process seems to be training here ({e.Message}). Wait for it, stop it, or name another folder.", e);
        }
    }
}
