using System.Text.Json.Serialization;

namespace Bitis.Training.Loop;

/// <summary>The position of a training: its finished epochs and the current one.</summary>
/// <param name="Finished">The epochs that are finished, in order.</param>
/// <param name="Current">The epoch under way.</param>
internal sealed record TrainingPosition(IReadOnlyList<EpochRecord> Finished, EpochSums Current)
{
    /// <summary>The position before the first step.</summary>
    public static TrainingPosition Start { get; } = new([], EpochSums.None);

    /// <summary>The best finished epoch so far; null if none was evaluated.</summary>
    [JsonIgnore]
    public EpochRecord? Best => Finished.Where(epoch => epoch.Score is not null).MaxBy(epoch => epoch.Score);

    /// <summary>Steps done since the start.</summary>
    /// <param name="stepsPerEpoch">Steps an epoch.</param>
    public long Steps(int stepsPerEpoch) => (long)Finished.Count * stepsPerEpoch + Current.Steps;

    /// <summary>Checks that a position, read from a file, is valid for a training.</summary>
    /// <exception cref="BitisException">It is invalid; the message does not name the file.</exception>
    public void Validate(int epochs, int stepsPerEpoch)
    {
        bool isPossible = Finished.Count <= epochs
            && Finished.Select((record, index) => record.Epoch == index + 1).All(isNext => isNext)
            && Current.Steps >= 0 && Current.Steps <= stepsPerEpoch && (Finished.Count < epochs || Current.Steps == 0);
        if (!isPossible)
        {
            throw new BitisException(
                $"the checkpoint says {DisplayText.Count(Finished.Count, "epoch")} "
                + $"and {DisplayText.Count(Current.Steps, "step")} of the next are done; the training has "
                + $"{DisplayText.Count(epochs, "epoch")} of {DisplayText.Count(stepsPerEpoch, "step")}.");
        }
    }

    /// <summary>The position after the current epoch.</summary>
    public TrainingPosition Next(EpochRecord finished) => new([.. Finished, finished], EpochSums.None);
}
