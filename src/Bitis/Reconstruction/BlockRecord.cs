namespace Bitis.Reconstruction;

/// <summary>What learning did to a block.</summary>
/// <param name="Block">The block, counted from 0.</param>
/// <param name="LossBefore">The loss with the scales that the search found.</param>
/// <param name="LossAfter">The loss with those that are kept.</param>
/// <param name="Steps">The steps that were made; fewer than asked for if the loss was no number any more.</param>
/// <param name="Seconds">How long it took, the search included.</param>
/// <param name="Warning">What went wrong, for people; null for nothing.</param>
internal sealed record BlockRecord(
    int Block, double LossBefore, double LossAfter, int Steps, double Seconds, string? Warning = null);
