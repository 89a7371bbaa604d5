namespace Bitis;

/// <summary>The progress of a long job.</summary>
/// <param name="Stage">The stage's name for display: <c>"ranges"</c>.</param>
/// <param name="Done">Steps done in this stage.</param>
/// <param name="Total">Steps of this stage; 0 if unknown.</param>
/// <param name="Detail">Details for display: <c>"loss 0.83, 210 images/s"</c>; null for none.</param>
/// <param name="Remaining">
/// The time until the end of the stage, if the job knows it better than its steps tell; else null.
/// </param>
public readonly record struct WorkProgress(
    string Stage, long Done, long Total, string? Detail = null, TimeSpan? Remaining = null);
