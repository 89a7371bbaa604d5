using System.Collections.Concurrent;
using Bitis.Graphs;
using Bitis.Runtime.Kernels;

namespace Bitis.Training.Gradients;

/// <summary>
/// Takes a batch through a plan, forward and back, on all processors. A batch is split into a fixed number of parts, and a
/// part into a few images at a time, which pass through all steps, forward and back, while their values are still in the
/// caches. Each part has its own sums of gradients (<see cref="OrderedSums"/>): results do not depend on the threads.
/// </summary>
internal sealed class GradientRunner : IDisposable
{
    /// <summary>The most images that go through the steps together.</summary>
    private const int MaxImagesPerLane = 4;

    /// <summary>About how many values the widest layer may have in a lane: more of them leave the nearer caches.</summary>
    private const long ValuesPerLane = 280_000;

    /// <summary>How many parts a batch has: also the most threads that can work on it.</summary>
    private const int Parts = 8;

    private readonly int _imagesPerLane;
    private readonly int _threads;
    private readonly GradientLane[] _lanes;
    private readonly ConcurrentStack<GradientLane> _freeLanes;
    private readonly OrderedSums _sums;
    private readonly ParameterGradient[] _parameters;

    /// <summary>Reserves the memory.</summary>
    /// <param name="plan">The steps; the runner disposes of them.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    public GradientRunner(GradientPlan plan, int threads)
    {
        Plan = plan;
        _sums = new OrderedSums(plan.SumsLength, Parts);
        _imagesPerLane = plan.Images;
        _parameters = [.. plan.Parameters.Values];
        _threads = Math.Min(Parts, ThreadCount.Resolve(threads));
        _lanes = new GradientLane[_threads];
        for (int i = 0; i < _lanes.Length; i++)
            _lanes[i] = new GradientLane(plan.Layout, plan.ScratchLength);
        _freeLanes = new ConcurrentStack<GradientLane>(_lanes);
    }

    /// <summary>How many images go through the steps of a graph together: few for large images, several for small ones.</summary>
    public static int ImagesPerLane(Graph graph)
    {
        long widest = graph.Nodes.Where(node => !node.IsInput).Max(node => node.Shape.ElementCount);
        return (int)Math.Clamp(ValuesPerLane / widest, 1, MaxImagesPerLane);
    }

    /// <summary>Does something with a lane's images, of which the first has an index in the batch.</summary>
    public delegate void LaneAction(GradientLane lane, int firstImage);

    /// <summary>The steps.</summary>
    public GradientPlan Plan { get; }

    /// <summary>Where the time of steps is added up, by kind; null for no measurement.</summary>
    public StepTimes? Times { get; set; }

    /// <summary>Runs a batch; afterwards the slots of all parameters have the gradients.</summary>
    /// <param name="batch">The number of images.</param>
    /// <param name="load">Brings images to a lane.</param>
    /// <param name="setOutputGradient">Computes the gradient of the plan's output from the output.</param>
    /// <param name="backward">Whether gradients are wanted; else nothing is done after the output.</param>
    /// <param name="key">Where the random numbers of low-bit steps start.</param>
    public void Run(int batch, LaneAction load, LaneAction setOutputGradient, bool backward = true, uint key = 0)
    {
        WorkerPool pool = WorkerPool.Rent(_threads);
        try
        {
            pool.Run(Plan.Steps.Count, i => Plan.Steps[i].Prepare());
            _sums.Start();
            pool.Run(Parts, part => RunPart(part, batch, load, setOutputGradient, backward, key));
            if (!backward)
                return;
            pool.Run(_parameters.Length, i => _parameters[i].Collect(_sums.Total));
            pool.Run(Plan.Steps.Count, i => Plan.Steps[i].Finish());
        }
        finally
        {
            WorkerPool.Return(pool);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (GradientLane lane in _lanes)
            lane.Dispose();
        _sums.Dispose();
        Plan.Dispose();
    }

    private unsafe void RunPart(int part, int batch, LaneAction load, LaneAction setOutputGradient, bool backward, uint key)
    {
        int start = (int)((long)batch * part / Parts), end = (int)((long)batch * (part + 1) / Parts);
        if (!_freeLanes.TryPop(out GradientLane? lane))
            throw new InvalidOperationException("More parts run at once than there are threads.");
        try
        {
            NativeBuffer<float> sums = _sums.Take();
            lane.Sums = sums.Pointer;
            for (int image = start; image < end; image += _imagesPerLane)
            {
                lane.Images = Math.Min(_imagesPerLane, end - image);
                lane.Key = CounterRandom.Key(key, (uint)image);
                RunImages(lane, image, load, setOutputGradient, backward);
            }
            _sums.Add(part, sums);
        }
        finally
        {
            _freeLanes.Push(lane);
        }
    }

    private void RunImages(GradientLane lane, int firstImage, LaneAction load, LaneAction setOutputGradient, bool backward)
    {
        load(lane, firstImage);
        Run(lane, Plan.Forward, isBackward: false);
        setOutputGradient(lane, firstImage);
        if (backward)
            Run(lane, Plan.Reverse, isBackward: true);
    }

    private void Run(GradientLane lane, List<LaneWork> all, bool isBackward)
    {
        foreach (LaneWork work in all)
        {
            long began = StepTimes.Now;
            work.Run(lane);
            Times?.Add(work.Kind, began, isBackward);
        }
    }
}
