using System.Security.Cryptography;
using Bitis.Analysis.Results;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The answers of a float model to some images, and what quantized sites make of them.</summary>
internal abstract class MeasuredAnswers : IDisposable
{
    /// <summary>How many images are answered, and how many of them have labels.</summary>
    public abstract (int Images, int Labeled) Counts { get; }

    /// <summary>Answers all images with some sites quantized.</summary>
    /// <param name="isQuantized">Whether a site of a node is quantized. Nodes are told by their names.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public abstract AnswerEffect Measure(
        Func<string, SiteKind, bool> isQuantized, CancellationToken cancellationToken);

    /// <summary>Adds images and labels to a digest.</summary>
    public abstract void AppendTo(IncrementalHash hash);

    /// <inheritdoc />
    public abstract void Dispose();
}
