namespace Bitis.Training;

/// <summary>What an epoch has added up so far; it is kept in checkpoints, so that a resumed epoch counts fully.</summary>
internal sealed record EpochSums
{
    /// <summary>Images seen.</summary>
    public long Images { get; init; }

    /// <summary>Steps done.</summary>
    public long Steps { get; init; }

    /// <summary>The sum of the images' losses.</summary>
    public double Loss { get; init; }

    /// <summary>Images whose own label came first.</summary>
    public long Correct { get; init; }

    /// <summary>The sum of the steps' gradient norms.</summary>
    public double GradientNorm { get; init; }

    /// <summary>The duration in seconds.</summary>
    public double Seconds { get; init; }
}
