namespace Bitis.Training;

/// <summary>How far a training has come.</summary>
/// <param name="Finished">The epochs that are finished, in order.</param>
/// <param name="Current">The epoch under way.</param>
internal sealed record TrainingPosition(IReadOnlyList<EpochRecord> Finished, EpochSums Current)
{
    /// <summary>The position before the first step.</summary>
    public static TrainingPosition Start { get; } = new([], EpochSums.None);

    /// <summary>The best accuracy so far on the validation images, 0 to 1; null if there is none.</summary>
    public double? BestTop1 => Finished.Max(epoch => epoch.ValidationTop1);

    /// <summary>Steps done since the start.</summary>
    /// <param name="stepsPerEpoch">Steps an epoch.</param>
    public long Steps(int stepsPerEpoch) => (long)Finished.Count * stepsPerEpoch + Current.Steps;

    /// <summary>The position after the current epoch.</summary>
    public TrainingPosition Next(EpochRecord finished) => new([.. Finished, finished], EpochSums.None);
}
