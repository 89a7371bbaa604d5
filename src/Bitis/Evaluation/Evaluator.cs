using System.Diagnostics;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Graphs;

namespace Bitis;

/// <summary>Evaluates a model on a set of images: accuracy, and agreement with references if there are any.</summary>
public sealed class Evaluator
{
    private readonly Func<FloatTensor, CancellationToken, FloatTensor> _model;
    private readonly IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> _references;
    private readonly int _classes;
    private readonly IReadOnlyList<string>? _classNames;

    /// <summary>Describes an evaluation.</summary>
    /// <param name="model">
    /// The model: a function from normalized pixels, <c>[batch, channels, height, width]</c>, to logits,
    /// <c>[batch, classes]</c>. For example <c>session.Run</c>.
    /// </param>
    /// <param name="classes">How many classes the model has.</param>
    /// <param name="classNames">
    /// The classes' names, by index; null if unknown. Classes of the images are matched by name.
    /// </param>
    /// <param name="references">
    /// Models whose logits are compared with the model's. They take the same images and have the same classes.
    /// </param>
    public Evaluator(
        Func<FloatTensor, CancellationToken, FloatTensor> model,
        int classes,
        IReadOnlyList<string>? classNames,
        params IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> references)
    {
        _model = model;
        _classes = classes;
        _classNames = classNames;
        _references = references;
    }

    /// <summary>How many images a model computes at once.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>How many batches are decoded in advance, each on a thread of its own.</summary>
    public int LoaderThreads { get; init; } = 2;

    /// <summary>Evaluates all images of a source.</summary>
    /// <param name="images">The images.</param>
    /// <param name="preprocessing">How images become the model's input.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="BitisException">
    /// The images' classes are not the model's (<see cref="ClassMap"/>), an image is damaged, or a logit is not a
    /// finite number.
    /// </exception>
    public EvaluationResult Run(
        ImageSource images,
        Preprocessing preprocessing,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var map = ClassMap.Create(images, _classes, _classNames); // refuses before the first image is decoded
        var result = new EvaluationResult(_references.Count) { Classes = map };
        var modelTime = new Stopwatch();
        foreach (
            ImageBatch batch in ImageLoader.Load(images, preprocessing, BatchSize, LoaderThreads, cancellationToken))
        {
            modelTime.Start();
            FloatTensor logits = _model(batch.Images, cancellationToken);
            modelTime.Stop();
            FloatTensor[] others = [.. _references.Select(reference => reference(batch.Images, cancellationToken))];
            Logits.RequireFinite(logits, image => batch.Names[image]);
            foreach (FloatTensor other in others)
                Logits.RequireFinite(other, image => batch.Names[image], Logits.Reference);
            result.Add(logits, map.ClassesOf(batch.Labels), others);
            progress?.Report(new WorkProgress("evaluating", result.Images, images.Count));
        }
        result.ModelTime = modelTime.Elapsed;
        return result;
    }
}
