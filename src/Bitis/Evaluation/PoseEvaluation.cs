using System.Diagnostics;
using Bitis.Data;
using Bitis.Graphs;

namespace Bitis.Evaluation;

/// <summary>Evaluates a model that gives the pose of a shape.</summary>
/// <param name="session">The model.</param>
internal sealed class PoseEvaluation(InferenceSession session)
{
    /// <summary>How many images the model computes at once.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>How many batches are read in advance, each on a thread of its own.</summary>
    public int LoaderThreads { get; init; } = 2;

    /// <summary>The time that the model took.</summary>
    public TimeSpan ModelTime { get; private set; }

    /// <summary>Evaluates all images of a source.</summary>
    /// <param name="images">The images, with poses.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="BitisException">An answer of the model is not finite.</exception>
    public PoseErrors Run(
        ImageSource images, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var errors = new PoseErrors();
        var time = new Stopwatch();
        int side = session.Config.ImageSize;
        foreach (
            ImageBatch batch in PoseBatches.Load(
                images, session.Preprocessing, BatchSize, LoaderThreads, cancellationToken))
        {
            time.Start();
            FloatTensor numbers = session.Run(batch.Images, cancellationToken);
            time.Stop();
            Logits.RequireFinite(numbers, image => batch.Names[image]);
            int length = numbers.Length / batch.Count;
            for (int i = 0; i < batch.Count; i++)
                errors.Add(numbers.Span.Slice(i * length, length), batch.Poses![i], side);
            progress?.Report(new WorkProgress("evaluating", errors.Images, images.Count));
        }
        ModelTime = time.Elapsed;
        return errors;
    }
}
