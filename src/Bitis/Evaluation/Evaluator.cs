using System.Diagnostics;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Graphs;

namespace Bitis;

/// <summary>Runs a model, and references if there are any, over a set of images and counts.</summary>
public sealed class Evaluator
{
    private readonly Func<FloatTensor, CancellationToken, FloatTensor> _model;
    private readonly IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> _references;
    private readonly int _classes;
    private readonly IReadOnlyList<string>? _classNames;

    /// <summary>Describes an evaluation.</summary>
    /// <param name="model">
    /// What is evaluated: normalized pixels, <c>[batch, channels, height, width]</c>, to logits,
    /// <c>[batch, classes]</c>; <c>session.Run</c>, for example.
    /// </param>
    /// <param name="classes">How many classes it tells apart.</param>
    /// <param name="classNames">
    /// The classes' names, by index, by which those of the images are found; null if they are unknown.
    /// </param>
    /// <param name="references">
    /// What its answers are compared with; each takes the same images and has the same classes.
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

    /// <summary>How many images go through a model at once.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>How many batches are decoded ahead, each on a thread of its own.</summary>
    public int LoaderThreads { get; init; } = 2;

    /// <summary>Evaluates all images of a source.</summary>
    /// <param name="images">The images.</param>
    /// <param name="preprocessing">How they become the model's input.</param>
    /// <param name="progress">Hears of images done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="BitisException">
    /// The images' classes are not the model's (<see cref="ClassMap"/>), an image is damaged, or an answer is not a
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
