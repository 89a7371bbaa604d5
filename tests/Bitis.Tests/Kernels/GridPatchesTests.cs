using Bitis.Execution.Compiled.Convolutions;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Dispatch;

namespace Bitis.Tests.Kernels;

public sealed unsafe class GridPatchesTests
{
    /// <summary>The layers, and the distance between the tokens of their grid in memory.</summary>
    private static readonly (GridConv2d Layer, int Stride)[] Layers =
    [
        (new GridConv2d(3, 1, 5, 4, KernelSize: 3, Stride: 1, Padding: 1), 3),
        (new GridConv2d(16, 1, 4, 7, KernelSize: 3, Stride: 2, Padding: 1), 16),
        (new GridConv2d(2, 1, 6, 5, KernelSize: 5, Stride: 2, Padding: 2), 7), // a slice of longer rows
        (new GridConv2d(4, 1, 4, 4, KernelSize: 2, Stride: 2, Padding: 0), 4),
        (new GridConv2d(5, 1, 3, 3, KernelSize: 1, Stride: 2, Padding: 0), 6),
        (new GridConv2d(2, 1, 1, 2, KernelSize: 5, Stride: 1, Padding: 3), 2), // taps that see nothing at all
    ];

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Layers.Length)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void Rows_hold_the_tokens_under_the_kernel_and_go_back_where_they_came_from(int index)
    {
        (GridConv2d layer, int stride) = Layers[index];
        int tokens = layer.Height * layer.Width, places = layer.OutHeight * layer.OutWidth,
            taps = layer.KernelSize * layer.KernelSize, channels = layer.InChannels;
        float[] grid = Sample.Floats(1, tokens * stride);
        using var source = new GuardedBuffer<float>(grid.AsSpan(0, ((tokens - 1) * stride) + channels));
        using var patches = new GuardedBuffer<float>(places * taps * channels);
        patches.Span.Fill(float.NaN);
        GridPatches.Unfold(layer, source.Pointer, stride, patches.Pointer, taps * channels, 0, places / 2);
        GridPatches.Unfold(layer, source.Pointer, stride, patches.Pointer, taps * channels, places / 2, places);
        var sums = new double[tokens * channels];
        for (int i = 0; i < patches.Length; i++)
        {
            int channel = i % channels, token = layer.Source(i / channels / taps, i / channels % taps) ?? -1;
            Assert.Equal(token < 0 ? 0 : grid[(token * stride) + channel], patches.Span[i]);
            if (token >= 0)
                sums[(token * channels) + channel] += patches.Span[i];
        }
        using var target = new GuardedBuffer<float>(((tokens - 1) * stride) + channels);
        target.Span.Fill(1);
        GridPatches.AddBack(layer, patches.Pointer, target.Pointer, stride, 0, places / 2);
        float* rest = patches.Pointer + (places / 2 * taps * channels);
        GridPatches.AddBack(layer, rest, target.Pointer, stride, places / 2, places);
        for (int i = 0; i < target.Length; i++)
        {
            Assert.Equal(
                i % stride < channels ? 1 + sums[(i / stride * channels) + (i % stride)] : 1, target.Span[i], 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void Levels_are_unfolded_alike_with_a_level_outside_of_the_grid(int index)
    {
        (GridConv2d layer, int stride) = Layers[index];
        const byte Outside = 128, Untouched = 99;
        int tokens = layer.Height * layer.Width, places = layer.OutHeight * layer.OutWidth,
            length = GridPatches.Length(layer), padded = length + 3;
        using var source = new GuardedBuffer<byte>(Sample.Bytes(1, ((tokens - 1) * stride) + layer.InChannels));
        using var patches = new GuardedBuffer<byte>(places * padded);
        patches.Span.Fill(Untouched);
        GridPatches.Unfold(layer, source.Pointer, stride, patches.Pointer, padded, 0, places, Outside);
        for (int i = 0; i < patches.Length; i++)
        {
            int place = i / padded, tap = i % padded / layer.InChannels;
            byte expected = i % padded >= length ? Untouched
                : layer.Source(place, tap) is { } token
                    ? source.Span[(token * stride) + (i % padded % layer.InChannels)]
                    : Outside;
            Assert.Equal(expected, patches.Span[i]);
        }
    }
}
