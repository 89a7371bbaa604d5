using System.Collections.Concurrent;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Execution.Gradients;

/// <summary>Runs a plan for a batch, forward and backward, on all processors.</summary>
/// <remarks>
/// A batch is split into a fixed number of parts, and a part into micro-batches of a few images. A micro-batch passes
/// through all operations, forward and backward, while its values are still in the caches. Each part has its own sums
/// of gradients (<see cref="OrderedSums"/>), so results do not depend on the threads.
/// </remarks>
internal sealed class GradientRunner : IDisposable
{
    /// <summary>The most images that go through the operations together.</summary>
    private const int MaxImagesPerMicroBatch = 4;

    /// <summary>
    /// About how many values the widest layer may have in a micro-batch. More do not fit the nearer caches.
    /// </summary>
    private const long ValuesPerMicroBatch = 280_000;

    /// <summary>How many parts a batch has. No more threads than this can work on it.</summary>
    private const int Parts = 8;

    private readonly int _imagesPerMicroBatch;
    private readonly int _threads;
    private readonly MicroBatch[] _microBatches;
    private readonly ConcurrentStack<MicroBatch> _freeMicroBatches;
    private readonly OrderedSums _sums;
    private readonly ParameterGradient[] _parameters;

    /// <summary>Reserves the memory.</summary>
    /// <param name="plan">The operations; the runner disposes of them.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    public GradientRunner(GradientPlan plan, int threads)
    {
        Plan = plan;
        _sums = new OrderedSums(plan.Sums, Parts);
        _imagesPerMicroBatch = plan.Images;
        _parameters = [.. plan.Parameters.Values];
        _threads = Math.Min(Parts, ThreadCount.Resolve(threads));
        _microBatches = new MicroBatch[_threads];
        for (int i = 0; i < _microBatches.Length; i++)
            _microBatches[i] = new MicroBatch(plan.Layout, plan.ScratchLength);
        _freeMicroBatches = new ConcurrentStack<MicroBatch>(_microBatches);
    }

    /// <summary>
    /// How many images go through the operations of a graph together: few for large images, several for small ones.
    /// </summary>
    public static int ImagesPerMicroBatch(Graph graph)
    {
        long widest = graph.Nodes.Where(node => !node.IsInput).Max(node => node.Shape.ElementCount);
        return (int)Math.Clamp(ValuesPerMicroBatch / widest, 1, MaxImagesPerMicroBatch);
    }

    /// <summary>Work on a micro-batch's images; the first of them has this index in the batch.</summary>
    public delegate void MicroBatchAction(MicroBatch microBatch, int firstImage);

    /// <summary>The operations.</summary>
    public GradientPlan Plan { get; }

    /// <summary>Receives the time of the operations, by kind; null for no measurement.</summary>
    public OperationTimes? Times { get; set; }

    /// <summary>Runs a batch; afterwards the slots of all parameters have the gradients.</summary>
    /// <param name="batch">The number of images.</param>
    /// <param name="load">Brings images to a micro-batch.</param>
    /// <param name="setOutputGradient">Computes the gradient of the plan's output from the output.</param>
    /// <param name="backward">Whether gradients are wanted; else nothing is done after the output.</param>
    /// <param name="key">The key of the random numbers of low-bit operations.</param>
    public void Run(
        int batch, MicroBatchAction load, MicroBatchAction setOutputGradient, bool backward = true, uint key = 0)
    {
        WorkerPool pool = WorkerPool.Rent(_threads);
        try
        {
            long began = OperationTimes.Now;
            pool.Run(Plan.Gradients.Count, i => Plan.Gradients[i].Prepare());
            Times?.AddStage("pack weights", began);
            began = OperationTimes.Now;
            _sums.Start();
            Times?.AddStage("clear sums", began);
            pool.Run(Parts, part => RunPart(part, batch, load, setOutputGradient, backward, key));
            if (!backward)
                return;
            began = OperationTimes.Now;
            pool.Run(_parameters.Length, i => _parameters[i].Collect());
            pool.Run(Plan.Gradients.Count, i => Plan.Gradients[i].Finish());
            Times?.AddStage("collect gradients", began);
        }
        finally
        {
            WorkerPool.Return(pool);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (MicroBatch microBatch in _microBatches)
            microBatch.Dispose();
        _sums.Dispose();
        Plan.Dispose();
    }

    private unsafe void RunPart(
        int part, int batch, MicroBatchAction load, MicroBatchAction setOutputGradient, bool backward, uint key)
    {
        int start = (int)((long)batch * part / Parts), end = (int)((long)batch * (part + 1) / Parts);
        if (!_freeMicroBatches.TryPop(out MicroBatch? microBatch))
            throw new InvalidOperationException("More parts run at once than there are threads.");
        try
        {
            microBatch.Sums = _sums.Take(part);
            for (int image = start; image < end; image += _imagesPerMicroBatch)
            {
                microBatch.Images = Math.Min(_imagesPerMicroBatch, end - image);
                microBatch.Key = CounterRandom.Key(key, (uint)image);
                RunImages(microBatch, image, load, setOutputGradient, backward);
            }
            long began = OperationTimes.Now;
            _sums.Add(part);
            Times?.AddStage("add sums", began);
        }
        finally
        {
            _freeMicroBatches.Push(microBatch);
        }
    }

    private void RunImages(
        MicroBatch microBatch, int firstImage, MicroBatchAction load, MicroBatchAction setOutputGradient, bool backward)
    {
        load(microBatch, firstImage);
        Run(microBatch, Plan.Forward, isBackward: false);
        setOutputGradient(microBatch, firstImage);
        if (backward)
            Run(microBatch, Plan.Backward, isBackward: true);
    }

    private void Run(MicroBatch microBatch, List<MicroBatchWork> all, bool isBackward)
    {
        foreach (MicroBatchWork work in all)
        {
            Times?.Begin(work.Kind, isBackward);
            work.Run(microBatch);
            OperationTimes.End();
        }
    }
}
