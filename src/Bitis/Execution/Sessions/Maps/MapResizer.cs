using System.Numerics.Tensors;
using Bitis.Execution.Compiled.Grids;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Execution.Sessions.Maps;

/// <summary>Interpolates maps of logits to the size of images, line by line.</summary>
/// <param name="source">The map.</param>
/// <param name="height">The lines of the result.</param>
/// <param name="width">Its columns.</param>
internal sealed unsafe class MapResizer(LogitsMap source, int height, int width) : IDisposable
{
    private readonly NativeBuffer<ResizeStep> _rows = ResizeSteps.Of(source.Height, height),
        _columns = ResizeSteps.Of(source.Width, width);

    /// <summary>The elements of a line of the result, <c>[width, classes]</c>.</summary>
    public int LineLength => width * source.Classes;

    /// <summary>Writes a line of the result.</summary>
    /// <param name="line">The line.</param>
    /// <param name="target">Receives the logits, <c>[width, classes]</c>.</param>
    /// <param name="accumulate">Whether they are added to what is there.</param>
    public void Write(int line, float* target, bool accumulate = false)
    {
        var call = new BilinearResizeCall
        {
            Width = source.Width,
            OutWidth = width,
            Channels = source.Classes,
            Rows = _rows.Pointer + line,
            Columns = _columns.Pointer,
            Source = source.Values.Pointer,
            SourceStride = source.Classes,
            Added = accumulate ? target : null,
            AddedStride = source.Classes,
            Target = target,
            TargetStride = source.Classes,
        };
        BilinearResize.Run(in call, 0, 1);
        GC.KeepAlive(source.Values);
        GC.KeepAlive(this);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _rows.Dispose();
        _columns.Dispose();
    }

    /// <summary>The whole result.</summary>
    /// <param name="threads">How many threads compute.</param>
    public LogitsMap Whole(ParallelOptions threads)
    {
        FloatTensor result = FloatTensor.Uninitialized([height * width, source.Classes]);
        Parallel.For(0, height, threads, line => Write(line, result.Pointer + ((nint)line * LineLength)));
        return new LogitsMap(result, height, width);
    }

    /// <summary>The class with the largest logit at each place of a map that is interpolated twice.</summary>
    /// <remarks>
    /// The first time to the size of the model's input, then to that of the image, as the official code does. Only a
    /// few lines of logits exist at a time.
    /// </remarks>
    /// <param name="map">The map.</param>
    /// <param name="input">The height and width of the model's input.</param>
    /// <param name="image">Those of the image.</param>
    /// <param name="threads">How many threads compute.</param>
    public static SegmentationMap Classify(
        LogitsMap map, (int Height, int Width) input, (int Height, int Width) image, ParallelOptions threads)
    {
        using var first = new MapResizer(map, input.Height, input.Width);
        using NativeBuffer<ResizeStep> rows = ResizeSteps.Of(input.Height, image.Height),
            columns = ResizeSteps.Of(input.Width, image.Width);
        var classes = new ushort[checked(image.Height * image.Width)];
        int parts = Math.Min(threads.MaxDegreeOfParallelism, image.Height);
        Parallel.For(0, parts, threads, part =>
        {
            using var lines = new NativeBuffer<float>(2L * first.LineLength);
            using var line = new NativeBuffer<float>((long)image.Width * map.Classes);
            int[] held = [-1, -1]; // the lines of the model's size that are there
            int end = (int)((long)image.Height * (part + 1) / parts);
            for (int row = (int)((long)image.Height * part / parts); row < end; row++)
            {
                threads.CancellationToken.ThrowIfCancellationRequested();
                ResizeStep step = rows.Span[row];
                Hold(step.First);
                Hold(step.Second);
                var place = step with { First = step.First & 1, Second = step.Second & 1 };
                var call = new BilinearResizeCall
                {
                    Width = input.Width,
                    OutWidth = image.Width,
                    Channels = map.Classes,
                    Rows = &place,
                    Columns = columns.Pointer,
                    Source = lines.Pointer,
                    SourceStride = map.Classes,
                    Target = line.Pointer,
                    TargetStride = map.Classes,
                };
                BilinearResize.Run(in call, 0, 1);
                ReadOnlySpan<float> logits = line.Span;
                Span<ushort> target = classes.AsSpan(row * image.Width, image.Width);
                for (int i = 0; i < target.Length; i++)
                    target[i] = (ushort)TensorPrimitives.IndexOfMax(logits.Slice(i * map.Classes, map.Classes));
            }

            void Hold(int wanted)
            {
                if (held[wanted & 1] == wanted)
                    return;
                first.Write(wanted, lines.Pointer + ((nint)(wanted & 1) * first.LineLength));
                held[wanted & 1] = wanted;
            }
        });
        return new SegmentationMap(image.Width, image.Height, classes);
    }
}
