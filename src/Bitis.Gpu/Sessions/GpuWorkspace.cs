using Bitis.Execution.Planning;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Graphs;

namespace Bitis.Gpu.Sessions;

/// <summary>The plans of a model on a device: one for many images, and one for a single image.</summary>
/// <remarks>
/// A single image wants kernels with many small blocks, so it has a plan of its own, with the same weights. Both plans
/// are made at once, with their largest graphs: a device that cannot hold or record them is refused when a session is
/// created, while the CPU can still take its place.
/// </remarks>
internal sealed class GpuWorkspace : IDisposable
{
    /// <summary>The images of a plan: enough to keep a GPU busy, few enough for buffers of moderate size.</summary>
    private const int FewestImages = 16, MostImages = 128;

    private readonly GpuDevice _device;
    private readonly GpuPlan _many, _single;
    private readonly int _imageLength;

    /// <summary>Plans a model.</summary>
    /// <param name="device">The device, which the workspace owns from now on.</param>
    /// <param name="graph">The model's graph.</param>
    /// <param name="plan">Makes a plan for a number of images.</param>
    /// <exception cref="BitisException">The device cannot compute the model. It is disposed of then.</exception>
    public GpuWorkspace(GpuDevice device, Graph graph, Func<GpuDevice, int, GpuPlan> plan)
    {
        (_device, _imageLength) = (device, (int)graph.Input.Shape.ElementCount);
        GpuPlan? many = null, single = null;
        try
        {
            many = plan(device, ImagesAtOnce(graph, device.CacheBytes));
            many.Prepare();
            single = plan(device, 1);
            single.Prepare();
        }
        catch
        {
            single?.Dispose();
            many?.Dispose();
            device.Dispose();
            throw;
        }
        (_many, _single) = (many, single);
    }

    /// <summary>The bytes that both plans keep on the device between calls.</summary>
    public long WeightBytes => _device.ConstantBytes;

    /// <summary>How many images at a time leave what one kernel writes and the next one reads in a cache.</summary>
    public static int ImagesAtOnce(Graph graph, long cacheBytes)
    {
        long largest = graph.Nodes.Max(node => node.Shape.ElementCount) * sizeof(float);
        return (int)Math.Clamp(cacheBytes / (2 * largest), FewestImages, MostImages);
    }

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="images">Normalized pixels, image after image.</param>
    /// <param name="logits">Receives the logits, image after image.</param>
    /// <param name="cancellationToken">Ends the work before the next images.</param>
    public void Run(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken) =>
        (images.Length == _imageLength ? _single : _many).Run(images, logits, cancellationToken);

    /// <summary>Runs one image, and times each kernel.</summary>
    public IReadOnlyList<OperationTime> Profile(ReadOnlySpan<float> image) =>
    [
        .. _single.Profile(image).Select((step, i) => new OperationTime(
            $"launch {i + 1}", step.Launch.Function.Kernel.Name, step.Time)),
    ];

    /// <inheritdoc />
    public void Dispose()
    {
        _many.Dispose();
        _single.Dispose();
        _device.Dispose();
    }
}
