using Bitis.Cli.Input;
using Bitis.Execution.Sessions;
using Bitis.Models;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Cli.Runtimes;

/// <summary>A model in Bitis, whose answers are compared with those of its exported file.</summary>
internal sealed class ParitySession : IDisposable
{
    private readonly InferenceSession? _session;
    private readonly SegmentationSession? _segmenter;

    /// <summary>Opens sessions of a model.</summary>
    public ParitySession(LoadedModel model, SessionOptions options, CancellationToken cancellationToken)
    {
        (Config, Preprocessing) = (model.Config, model.Preprocessing);
        if (model.Config is IDenseConfig)
        {
            _segmenter = model.CreateSegmentation(options, cancellationToken);
            return;
        }
        _session = model.CreateSession(options, cancellationToken);
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How images become its input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>How many threads compute.</summary>
    public int Threads => _session?.Threads ?? _segmenter!.Threads;

    /// <summary>The logits of an image, or those of each of its pixels.</summary>
    public FloatTensor Run(FloatTensor pixels, CancellationToken cancellationToken) =>
        _session?.Run(pixels, cancellationToken) ?? _segmenter!.Run(pixels, cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        _session?.Dispose();
        _segmenter?.Dispose();
    }
}
