namespace Bitis;

/// <summary>How far a long job has come.</summary>
/// <param name="Stage">What it is doing, for people: <c>"ranges"</c>.</param>
/// <param name="Done">Steps done in this stage.</param>
/// <param name="Total">Steps of this stage; 0 if unknown.</param>
/// <param name="Detail">What else is worth knowing now: <c>"loss 0.83, 210 images/s"</c>; null for nothing.</param>
/// <param name="Remaining">
/// The time until the end of the stage, where the job knows it better than its steps tell.
/// </param>
public readonly record struct WorkProgress(
    string Stage, long Done, long Total, string? Detail = null, TimeSpan? Remaining = null);
