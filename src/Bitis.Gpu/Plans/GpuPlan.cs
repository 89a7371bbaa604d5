using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Plans;

/// <summary>A model on a device: launches in order, for up to some images at a time.</summary>
/// <remarks>
/// The launches are recorded as a graph once for each number of images that is asked for. Calls must not overlap.
/// </remarks>
/// <param name="device">The device, which the plan owns.</param>
/// <param name="steps">The launches, for a number of images.</param>
/// <param name="owned">Buffers and functions.</param>
/// <param name="input">The images.</param>
/// <param name="output">The logits.</param>
/// <param name="images">The most images at a time.</param>
internal sealed class GpuPlan(
    GpuDevice device, IReadOnlyList<Func<int, GpuLaunch>> steps, IReadOnlyList<IDisposable> owned, GpuMatrix input,
    GpuMatrix output, int images) : IDisposable
{
    private readonly Dictionary<int, GpuGraph> _graphs = [];

    /// <summary>Computes logits.</summary>
    /// <param name="pixels">Normalized pixels, image after image.</param>
    /// <param name="logits">Receives the logits, image after image.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public void Run(ReadOnlySpan<float> pixels, Span<float> logits)
    {
        int pixelsOfImage = input.Rows * input.Columns, count = pixels.Length / pixelsOfImage;
        if (pixels.Length != count * pixelsOfImage || logits.Length != count * output.Columns)
            throw new ArgumentException($"{pixels.Length} pixels for {logits.Length} logits.", nameof(pixels));
        for (int done = 0; done < count; done += images)
        {
            int now = Math.Min(images, count - done);
            input.Buffer.Write(pixels.Slice(done * pixelsOfImage, now * pixelsOfImage));
            GraphOf(now).Run();
            output.Buffer.Read(logits.Slice(done * output.Columns, now * output.Columns));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (GpuGraph graph in _graphs.Values)
            graph.Dispose();
        foreach (IDisposable resource in owned)
            resource.Dispose();
        device.Dispose();
    }

    private GpuGraph GraphOf(int count)
    {
        if (!_graphs.TryGetValue(count, out GpuGraph? graph))
            _graphs.Add(count, graph = device.Record([.. steps.Select(step => step(count))]));
        return graph;
    }
}
