using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Convolution.Integer;

/// <summary>The integer filter of a convolution over a grid, laid out for one kernel of the matrix product.</summary>
/// <remarks>
/// The sum over the filter's places and channels is cut into chunks, whose rows of unfolded levels for some places of
/// the output fit the caches. Each chunk is a matrix of its own.
/// </remarks>
internal sealed class PackedGridWeights : IPackedWeights
{
    /// <summary>The most bytes of a row of a chunk.</summary>
    public const int MaxLength = 1024;

    private readonly NativeBuffer<int> _columnSums;
    private readonly NativeBuffer<float> _scales, _bias;

    /// <summary>Packs a filter.</summary>
    /// <param name="levels">The levels of the weights, <c>[outputs, channels, K²]</c>.</param>
    /// <param name="scales">The weight scale of each output.</param>
    /// <param name="bias"><c>[outputs]</c>, or empty for none.</param>
    /// <param name="parts">The channels of each input.</param>
    /// <param name="kernelSize">K, the side of the filter.</param>
    /// <param name="bits">How many bits the weights need, sign included.</param>
    /// <param name="kernel">The form to pack for; the best one if null.</param>
    /// <exception cref="ArgumentException">
    /// A length does not match, or the sums do not fit int32, or a weight or the form does not match the bits.
    /// </exception>
    public PackedGridWeights(
        ReadOnlySpan<sbyte> levels, ReadOnlySpan<float> scales, ReadOnlySpan<float> bias, int[] parts, int kernelSize,
        int bits = 8, Int8GemmKernel? kernel = null)
    {
        int channels = parts.Sum(), taps = kernelSize * kernelSize;
        if ((long)channels * taps > PackedIntegerWeights.MaxInputs)
            throw new ArgumentException($"{channels}x{taps} products have sums beyond int32.", nameof(kernelSize));
        if (levels.Length != (long)scales.Length * channels * taps)
        {
            throw new ArgumentException(
                $"{levels.Length} weights for {scales.Length}x{channels}x{taps}.", nameof(levels));
        }
        Outputs = scales.Length;
        KernelSize = kernelSize;
        _columnSums = new NativeBuffer<int>(Outputs, zeroed: true);
        _scales = NativeBuffer<float>.Of(scales);
        _bias = new NativeBuffer<float>(Outputs, zeroed: true);
        bias.CopyTo(_bias.Span);
        for (int o = 0; o < Outputs; o++)
        {
            int sum = 0;
            foreach (sbyte level in levels.Slice(o * channels * taps, channels * taps))
                sum += level;
            _columnSums.Span[o] = sum;
        }
        GridPiece[][] chunks = [.. Cut(parts, kernelSize)];
        Chunks = new GridChunk[chunks.Length];
        for (int i = 0; i < chunks.Length; i++)
            Chunks[i] = new GridChunk(chunks[i], Pack(levels, scales, parts, chunks[i], bits, kernel));
    }

    /// <summary>The number of outputs.</summary>
    public int Outputs { get; }

    /// <summary>K, the side of the filter.</summary>
    public int KernelSize { get; }

    /// <summary>The chunks; the sum over all of them is that of the convolution.</summary>
    public GridChunk[] Chunks { get; }

    /// <inheritdoc />
    public long Bytes => Chunks.Sum(chunk => chunk.Weights.Bytes) + (3L * sizeof(int) * Outputs);

    /// <summary>Whether two weights share a byte.</summary>
    public bool HasNibbles => Chunks[0].Weights.HasNibbles;

    /// <summary>The sum of each output's weights.</summary>
    public unsafe int* ColumnSums => _columnSums.Pointer;

    /// <summary>The weight scale of each output.</summary>
    public unsafe float* Scales => _scales.Pointer;

    /// <summary>The bias of each output.</summary>
    public unsafe float* Bias => _bias.Pointer;

    /// <inheritdoc />
    public void Dispose()
    {
        _columnSums.Dispose();
        _scales.Dispose();
        _bias.Dispose();
        foreach (GridChunk chunk in Chunks)
            chunk.Weights.Dispose();
    }

    /// <summary>The pieces of each chunk.</summary>
    private static IEnumerable<GridPiece[]> Cut(int[] parts, int kernelSize)
    {
        var chunk = new List<GridPiece>();
        int length = 0;
        foreach (GridPiece piece in Pieces(parts, kernelSize))
        {
            // A piece of one place may be cut anywhere.
            for (int channel = 0; channel < piece.Channels;)
            {
                int room = (MaxLength - length) / piece.Taps;
                int channels = Math.Min(piece.Channels - channel, room);
                if (channels < (piece.Taps > 1 ? piece.Channels : 1))
                {
                    yield return [.. chunk];
                    chunk.Clear();
                    length = 0;
                    continue;
                }
                GridPiece part = piece with
                {
                    Channel = piece.Channel + channel,
                    Channels = channels,
                    Offset = length,
                };
                chunk.Add(part);
                length += part.Bytes * part.Taps;
                channel += channels;
            }
        }
        yield return [.. chunk];
    }

    /// <summary>All pieces, where those of a filter's row are one if their input lies together in memory.</summary>
    private static IEnumerable<GridPiece> Pieces(int[] parts, int kernelSize)
    {
        if (parts.Length == 1 && parts[0] % 4 == 0 && parts[0] * kernelSize <= MaxLength)
        {
            return Enumerable.Range(0, kernelSize).Select(
                row => new GridPiece(row * kernelSize, kernelSize, Part: 0, Channel: 0, parts[0], Offset: 0));
        }
        return Enumerable.Range(0, kernelSize * kernelSize).SelectMany(
            tap => parts.Select((channels, part) => new GridPiece(tap, Taps: 1, part, Channel: 0, channels, 0)));
    }

    private static PackedIntegerWeights Pack(
        ReadOnlySpan<sbyte> levels, ReadOnlySpan<float> scales, int[] parts, GridPiece[] pieces, int bits,
        Int8GemmKernel? kernel)
    {
        int channels = parts.Sum(), outputs = scales.Length, taps = levels.Length / outputs / channels;
        int length = pieces[^1].Offset + (pieces[^1].Bytes * pieces[^1].Taps);
        var matrix = new sbyte[(long)outputs * length];
        for (int o = 0; o < outputs; o++)
        {
            foreach (GridPiece piece in pieces)
            {
                int first = parts.AsSpan(0, piece.Part).ToArray().Sum() + piece.Channel;
                for (int tap = 0; tap < piece.Taps; tap++)
                {
                    Span<sbyte> target = matrix.AsSpan((o * length) + piece.Offset + (tap * piece.Bytes));
                    ReadOnlySpan<sbyte> source = levels[((((o * channels) + first) * taps) + piece.Tap + tap)..];
                    for (int c = 0; c < piece.Channels; c++)
                        target[c] = source[c * taps];
                }
            }
        }
        return new PackedIntegerWeights(matrix, scales, [], outputs, length, bits, kernel);
    }
}
