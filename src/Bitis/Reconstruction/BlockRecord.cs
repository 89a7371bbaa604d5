namespace Bitis.Reconstruction;

/// <summary>The results of learning for a block.</summary>
/// <param name="Block">The block, counted from 0.</param>
/// <param name="LossBefore">The loss with the scales that the search found.</param>
/// <param name="LossAfter">The loss with those that are kept.</param>
/// <param name="Steps">The steps that were done; fewer than configured if the loss became NaN or infinite.</param>
/// <param name="Seconds">How long it took, the search included.</param>
/// <param name="Warning">A warning for the user; null if there is none.</param>
internal sealed record BlockRecord(
    int Block, double LossBefore, double LossAfter, int Steps, double Seconds, string? Warning = null);
