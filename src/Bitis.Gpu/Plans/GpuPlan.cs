using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Plans;

/// <summary>A model on a device: launches in order, for up to some images at a time.</summary>
/// <remarks>
/// The launches are recorded as a graph once for each number of images that is asked for. A graph only saves time: if
/// memory for it is missing during a call, the launches run one by one. Calls must not overlap.
/// </remarks>
/// <param name="device">The device, which must outlive the plan.</param>
/// <param name="steps">The launches, for a number of images.</param>
/// <param name="owned">Buffers and functions.</param>
/// <param name="input">The images.</param>
/// <param name="output">The logits.</param>
/// <param name="images">The most images at a time.</param>
internal sealed class GpuPlan(
    GpuDevice device, IReadOnlyList<Func<int, GpuLaunch>> steps, IReadOnlyList<IDisposable> owned, GpuMatrix input,
    GpuMatrix output, int images) : IDisposable
{
    private readonly Dictionary<int, GpuGraph?> _graphs = [];

    /// <summary>Records the graph for the most images.</summary>
    /// <exception cref="BitisException">The device cannot.</exception>
    public void Prepare() => _graphs.Add(images, device.Record(Launches(images)));

    /// <summary>Computes logits.</summary>
    /// <param name="pixels">Normalized pixels, image after image.</param>
    /// <param name="logits">Receives the logits, image after image.</param>
    /// <param name="cancellationToken">Ends the work before the next images.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public void Run(
        ReadOnlySpan<float> pixels, Span<float> logits, CancellationToken cancellationToken = default)
    {
        int pixelsOfImage = input.Rows * input.Columns, count = pixels.Length / pixelsOfImage;
        if (pixels.Length != count * pixelsOfImage || logits.Length != count * output.Columns)
            throw new ArgumentException($"{pixels.Length} pixels for {logits.Length} logits.", nameof(pixels));
        for (int done = 0; done < count; done += images)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int now = Math.Min(images, count - done);
            input.Buffer.Write(pixels.Slice(done * pixelsOfImage, now * pixelsOfImage));
            if (GraphOf(now) is { } graph)
                graph.Run();
            else
                device.Run(Launches(now));
            output.Buffer.Read(logits.Slice(done * output.Columns, now * output.Columns));
        }
    }

    /// <summary>The most images at a time.</summary>
    public int Images => images;

    /// <summary>The device.</summary>
    public GpuDevice Device => device;

    /// <summary>The launches for some images, in order.</summary>
    public IReadOnlyList<GpuLaunch> Launches(int count) => [.. steps.Select(step => step(count))];

    /// <summary>Computes images and times each launch.</summary>
    /// <param name="pixels">Normalized pixels of at most <see cref="Images"/> images.</param>
    public IReadOnlyList<(GpuLaunch Launch, TimeSpan Time)> Profile(ReadOnlySpan<float> pixels)
    {
        input.Buffer.Write(pixels);
        IReadOnlyList<GpuLaunch> launches = Launches(pixels.Length / (input.Rows * input.Columns));
        return [.. launches.Zip(device.Time(launches))];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (GpuGraph? graph in _graphs.Values)
            graph?.Dispose();
        foreach (IDisposable resource in owned)
            resource.Dispose();
    }

    /// <summary>The graph for some images; null if the device could not record it.</summary>
    private GpuGraph? GraphOf(int count)
    {
        if (_graphs.TryGetValue(count, out GpuGraph? graph))
            return graph;
        try
        {
            graph = device.Record(Launches(count));
        }
        catch (BitisException)
        {
            // If the device is lost, the launches say so.
        }
        _graphs.Add(count, graph);
        return graph;
    }
}
