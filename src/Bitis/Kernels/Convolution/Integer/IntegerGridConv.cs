using System.Runtime.CompilerServices;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Convolution.Integer;

/// <summary>
/// A convolution over a grid of tokens in integers, with bias, rectifier and levels of the next layer.
/// </summary>
/// <remarks>
/// It is a matrix product of unfolded levels (<see cref="Int8Gemm"/>), which exist for a few places and a part of the
/// filter at a time. The sums of these places stay in the second cache until all parts are added:
/// <code>
///                          chunk of the filter, [outputs, ≤ 1024]
///   levels of 192 places   ┌──────────────────────────────────┐
///   [192, ≤ 1024]  ──────► │ product, tile by tile            │ ──► + sums [192, outputs], int32
///   unfolded               └──────────────────────────────────┘        └─ after the last chunk ──► FinishSums
/// </code>
/// A 1×1 filter reads the levels where they lie. Sums are exact, so results depend on neither the chunks nor the split
/// of the places, and all forms give the same bits.
/// </remarks>
internal static unsafe class IntegerGridConv
{
    /// <summary>Places at a time, a multiple of the rows of all tiles.</summary>
    private const int MaxPlaces = 192;

    [ThreadStatic]
    private static NativeBuffer<byte>? _unfolded;

    [ThreadStatic]
    private static NativeBuffer<int>? _sums;

    /// <summary>Computes the places from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    public static void Run(in IntegerGridConvCall call, int start, int end)
    {
        PackedGridWeights weights = call.Weights;
        byte* unfolded = Room(ref _unfolded, MaxPlaces * PackedGridWeights.MaxLength);
        int* sums = Room(ref _sums, MaxPlaces * weights.Outputs);
        bool isPlain = weights.KernelSize == 1 && call.Stride == 1 && call.Padding == 0;
        FinishSumsCall finish = call.Finish;
        finish.Sums = sums;
        finish.SumsStride = weights.Outputs;
        finish.Columns = weights.Outputs;
        finish.ColumnSums = weights.ColumnSums;
        finish.Scales = weights.Scales;
        finish.Bias = weights.Bias;
        for (int first = start; first < end; first += MaxPlaces)
        {
            int count = Math.Min(MaxPlaces, end - first);
            for (int i = 0; i < weights.Chunks.Length; i++)
            {
                GridChunk chunk = weights.Chunks[i];
                byte* levels = unfolded;
                nint stride = chunk.Length;
                if (isPlain && chunk.Pieces.Length == 1)
                {
                    LevelPart part = call.Parts[chunk.Pieces[0].Part];
                    levels = part.Source + (first * part.Stride) + chunk.Pieces[0].Channel;
                    stride = part.Stride;
                }
                else
                {
                    foreach (GridPiece piece in chunk.Pieces)
                        Unfold(in call, in piece, first, count, unfolded + piece.Offset, chunk.Length);
                }
                Int8Gemm.Accumulate(
                    chunk.Weights, levels, stride, sums, weights.Outputs, 0, count, add: i > 0);
            }
            FinishSumsCall rows = finish;
            if (rows.Values != null)
                rows.Values += first * rows.TargetStride;
            else
                rows.Levels += first * rows.TargetStride;
            FinishSums.Run(in rows, 0, count);
        }
        GC.KeepAlive(weights);
    }

    /// <summary>Copies what a piece of the filter sees from some places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unfold(
        in IntegerGridConvCall call, in GridPiece piece, int first, int count, byte* target, nint targetStride)
    {
        LevelPart part = call.Parts[piece.Part];
        (int down, int right) = Math.DivRem(piece.Tap, call.Weights.KernelSize);
        (int line, int place) = Math.DivRem(first, call.OutWidth);
        int row = (line * call.Stride) - call.Padding + down, left = right - call.Padding;
        int bytes = piece.Bytes, taps = piece.Taps;
        for (int i = 0; i < count; i++, target += targetStride)
        {
            int column = (place * call.Stride) + left;
            byte* source = part.Source + ((((nint)row * call.Width) + column) * part.Stride) + piece.Channel;
            bool isInside = (uint)row < (uint)call.Height;
            if (isInside && column >= 0 && column + taps <= call.Width)
            {
                Unsafe.CopyBlockUnaligned(target, source, (uint)(taps * bytes));
            }
            else
            {
                for (int tap = 0; tap < taps; tap++)
                {
                    bool isToken = isInside && (uint)(column + tap) < (uint)call.Width;
                    Unsafe.CopyBlockUnaligned(
                        target + (tap * bytes), isToken ? source + (tap * part.Stride) : call.Outside, (uint)bytes);
                }
            }
            if (++place == call.OutWidth)
                (place, row) = (0, row + call.Stride);
        }
    }

    private static T* Room<T>(ref NativeBuffer<T>? buffer, int length)
        where T : unmanaged
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = new NativeBuffer<T>(length);
        }
        return buffer.Pointer;
    }
}
