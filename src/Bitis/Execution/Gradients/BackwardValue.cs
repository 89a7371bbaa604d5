using Bitis.Execution.Planning;

namespace Bitis.Execution.Gradients;

/// <summary>A value that a backward operation reads, image by image.</summary>
/// <remarks>An image's part that was just computed again is still in the nearer caches.</remarks>
/// <param name="place">Where it lies: all images, or one at a time if it is computed again.</param>
/// <param name="source">The operation that computes it again; null if it was kept.</param>
internal sealed class BackwardValue(ArenaMatrix place, OperationGradient? source)
{
    /// <summary>Where an image's part is, until the next one is asked for.</summary>
    public ArenaMatrix OfImage(MicroBatch microBatch, int image)
    {
        if (source is null)
            return place.OfImage(image);
        OperationTimes.EndPhase("");
        source.Recompute(microBatch, image, place);
        OperationTimes.EndPhase("recompute");
        return place;
    }
}
