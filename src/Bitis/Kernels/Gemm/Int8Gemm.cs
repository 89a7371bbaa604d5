using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm.Tiles;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Gemm;

/// <summary>The integer linear layer: activations u8 × weights s8 or s4 → exact int32 sums → float32.</summary>
/// <remarks>
/// Weights of 4 bits are unpacked to s8. All forms give the same bits:
/// <code>
/// sum    = Σ_k a[m, k]·w[n, k]                                        int32
/// value  = (float)(sum − zeroPoint[m]·columnSum[n])                    int32, then rounded once
/// y[m,n] = value·(scaleA[m]·scaleW[n]) + bias[n]                       float32: every product and sum rounded
/// C[m,n] = y[m,n], or C[m,n] + y[m,n]
/// </code>
/// Activation rows are read up to K rounded up to a multiple of 4. The padding may have any contents, since the weights
/// there are zero, but it must be readable.
/// </remarks>
internal static unsafe class Int8Gemm
{
    /// <summary>The values that a dot-product instruction takes at once, and the padding of a row.</summary>
    private const int GroupBytes = 4;

    /// <summary>The bits of weights that <see cref="NibbleTable"/> is for.</summary>
    public const int NibbleBits = 4;

    /// <summary>The most bits of weights, two of whose products with bytes always add up to 16 bits.</summary>
    public const int PairBits = 7;

    /// <summary>The forms of this operation.</summary>
    /// <remarks>
    /// The 8-bit dot product of 256 bits is faster than 16-bit products of 512 bits, hence the order.
    /// </remarks>
    public static KernelTable<Int8GemmKernel> Table { get; } = new(
        VnniRow(weightBits: 8),
        Row<Int8GemmTile<Int8DotAvxVnni>, Lanes256>(8, InstructionSet.AvxVnni),
        Row<Int8GemmTile<Int8DotAvx512>, Lanes512>(8, InstructionSet.Avx512),
        Row<Int8GemmTile<Int8DotAvx2>, Lanes256>(8, InstructionSet.Avx2),
        Row<Int8GemmDpTile, Lanes128>(8, InstructionSet.AdvSimdDp),
        PortableRow(weightBits: 8));

    /// <summary>The forms for weights of 5 to 7 bits.</summary>
    /// <remarks>Without an 8-bit dot product, sums of 16 bits take little more than half the work.</remarks>
    public static KernelTable<Int8GemmKernel> PairTable { get; } = new(
        VnniRow(PairBits),
        Row<Int8GemmTile<Int8DotAvxVnni>, Lanes256>(PairBits, InstructionSet.AvxVnni),
        Row<PairRunsTile<PairSums512>, Lanes512>(PairBits, InstructionSet.Avx512),
        Row<PairRunsTile<PairSums256>, Lanes256>(PairBits, InstructionSet.Avx2),
        Row<Int8GemmDpTile, Lanes128>(PairBits, InstructionSet.AdvSimdDp),
        PortableRow(PairBits));

    /// <summary>The forms for weights of at most 4 bits, two of which share a byte.</summary>
    public static KernelTable<Int8GemmKernel> NibbleTable { get; } = new(
        VnniRow(NibbleBits),
        Row<Int8GemmTile<Int8DotAvxVnni>, Lanes256>(NibbleBits, InstructionSet.AvxVnni),
        Row<PairRunsTile<PairSums512>, Lanes512>(NibbleBits, InstructionSet.Avx512),
        Row<PairRunsTile<PairSums256>, Lanes256>(NibbleBits, InstructionSet.Avx2),
        Row<Int8GemmDpTile, Lanes128>(NibbleBits, InstructionSet.AdvSimdDp),
        PortableRow(NibbleBits));

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() =>
        KernelTables.Add(static () => [.. Table.Rows, .. PairTable.Rows, .. NibbleTable.Rows]);

    /// <summary>The form for weights of some bits.</summary>
    public static Int8GemmKernel BestFor(int weightBits) => weightBits switch
    {
        <= NibbleBits => NibbleTable.Best,
        <= PairBits => PairTable.Best,
        _ => Table.Best,
    };

    /// <summary>
    /// Computes the output rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.
    /// </summary>
    /// <param name="weights">The layer.</param>
    /// <param name="a">Input <c>[M, K]</c>.</param>
    /// <param name="lda">The distance of input rows in bytes, at least K rounded up to a multiple of 4.</param>
    /// <param name="parameters">The scales and zero points of the input.</param>
    /// <param name="c">Output <c>[M, N]</c>.</param>
    /// <param name="ldc">The distance of output rows in elements.</param>
    /// <param name="rowStart">The first row to compute.</param>
    /// <param name="rowEnd">The row after the last.</param>
    /// <param name="accumulate">Add to the output instead of overwriting it.</param>
    public static void Run(
        PackedIntegerWeights weights,
        byte* a,
        nint lda,
        in TokenParameters parameters,
        float* c,
        nint ldc,
        int rowStart,
        int rowEnd,
        bool accumulate)
    {
        Run(weights.Panels, a, lda, GroupBytes, in parameters, c, ldc, rowStart, rowEnd, accumulate);
        GC.KeepAlive(weights);
    }

    /// <summary>
    /// As the other overload, for weights at any address and rows whose groups of four values are not neighbours.
    /// </summary>
    /// <param name="weights">The layer.</param>
    /// <param name="a">Input <c>[M, K]</c>: value k of row m lies at <c>a + m·lda + k/4·groupStride + k%4</c>.</param>
    /// <param name="lda">The distance of input rows in bytes; 4 where rows are interleaved in groups.</param>
    /// <param name="groupStride">The distance of the groups of a row in bytes; 4 for contiguous rows.</param>
    /// <param name="parameters">The scales and zero points of the input.</param>
    /// <param name="c">Output <c>[M, N]</c>.</param>
    /// <param name="ldc">The distance of output rows in elements.</param>
    /// <param name="rowStart">The first row to compute.</param>
    /// <param name="rowEnd">The row after the last.</param>
    /// <param name="accumulate">Add to the output instead of overwriting it.</param>
    public static void Run(
        in IntegerPanels weights,
        byte* a,
        nint lda,
        nint groupStride,
        in TokenParameters parameters,
        float* c,
        nint ldc,
        int rowStart,
        int rowEnd,
        bool accumulate) =>
        weights.Kernel.Run(in weights, a, lda, groupStride, in parameters, c, ldc, rowStart, rowEnd, accumulate);

    /// <summary>As the overloads that dequantize, but writes the raw int32 sums, or adds them.</summary>
    public static void Accumulate(
        PackedIntegerWeights weights, byte* a, nint lda, int* sums, nint ldsums, int rowStart, int rowEnd,
        bool add = false)
    {
        weights.Kernel.Accumulate(weights.Panels, a, lda, GroupBytes, sums, ldsums, rowStart, rowEnd, add);
        GC.KeepAlive(weights);
    }

    private static Int8GemmKernel VnniRow(int weightBits) => new(
        weightBits,
        VnniGemmAssembler.MaxRows(vectors: 4),
        Int8GemmVnni.Columns,
        Int8GemmVnni.ColumnMultiple,
        InstructionSet.Avx512Vnni,
        &Int8GemmVnni.Run,
        &Int8GemmVnni.Accumulate);

    private static Int8GemmKernel PortableRow(int weightBits) => Vector128.IsHardwareAccelerated
        ? Row<Int8GemmPortableTile, Lanes128>(weightBits, InstructionSet.Portable)
        : Row<Int8GemmPortableTile, Lane1>(weightBits, InstructionSet.Portable);

    private static Int8GemmKernel Row<TTile, TLanes>(int weightBits, InstructionSet instructionSet)
        where TTile : struct, IInt8GemmTile
        where TLanes : struct, ILanes<TLanes> =>
        new(
            weightBits,
            TTile.Rows,
            TTile.Columns,
            TTile.Columns,
            instructionSet,
            &Run<TTile, TLanes>,
            &Accumulate<TTile>,
            TTile.UsesRuns ? &FindRuns<TTile> : null);

    private static int FindRuns<TTile>(sbyte* panel, int groups, in PanelRuns runs)
        where TTile : struct, IInt8GemmTile => TTile.FindRuns(panel, groups, in runs);

    // Panel by panel, so that a panel stays in the nearest cache for all rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TTile, TLanes>(
        in IntegerPanels weights,
        byte* a,
        nint lda,
        nint groupStride,
        in TokenParameters parameters,
        float* c,
        nint ldc,
        int rowStart,
        int rowEnd,
        bool accumulate)
        where TTile : struct, IInt8GemmTile
        where TLanes : struct, ILanes<TLanes>
    {
        int* sums = stackalloc int[TTile.Rows * TTile.Columns];
        for (int n = 0; n < weights.Outputs; n += TTile.Columns)
        {
            GemmPanel panel = weights.Panel<TTile>(n);
            int* columnSums = weights.ColumnSums + n;
            float* scales = weights.Scales + n;
            float* bias = weights.Bias + n;
            int columns = Math.Min(TTile.Columns, weights.Outputs - n);
            for (int m = rowStart; m < rowEnd; m += TTile.Rows)
            {
                int rows = Math.Min(TTile.Rows, rowEnd - m);
                TTile.Multiply(a + (m * lda), lda, groupStride, rows, in panel, sums);
                if (columns == 2 * TLanes.Count && columns == TTile.Columns)
                {
                    float* tile = c + (m * ldc) + n;
                    if (accumulate)
                    {
                        Dequantize<TTile, TLanes, On>(
                            sums, columnSums, scales, bias, in parameters, m, rows, tile, ldc);
                    }
                    else
                    {
                        Dequantize<TTile, TLanes, Off>(
                            sums, columnSums, scales, bias, in parameters, m, rows, tile, ldc);
                    }
                    continue;
                }
                for (int row = 0; row < rows; row++)
                {
                    int* source = sums + (row * TTile.Columns);
                    float* target = c + ((m + row) * ldc) + n;
                    float scale = parameters.Scale(m + row);
                    int zero = parameters.ZeroPoint(m + row) - TTile.Offset;
                    int i = 0;
                    for (; i + TLanes.Count <= columns; i += TLanes.Count)
                        Dequantize<TLanes>(source, columnSums, zero, scale, scales, bias, target, i, accumulate);
                    for (; i < columns; i++)
                        Dequantize<Lane1>(source, columnSums, zero, scale, scales, bias, target, i, accumulate);
                }
            }
        }
    }

    // A whole tile of two registers a row. What belongs to its columns stays in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dequantize<TTile, TLanes, TAccumulate>(
        int* sums,
        int* columnSums,
        float* scales,
        float* bias,
        in TokenParameters parameters,
        int firstRow,
        int rows,
        float* target,
        nint ldc)
        where TTile : struct, IInt8GemmTile
        where TLanes : struct, ILanes<TLanes>
        where TAccumulate : struct, ISwitch
    {
        nint width = TLanes.Count, stride = parameters.Stride;
        float* tokenScale = parameters.Scales + (firstRow * stride);
        int* zero = parameters.ZeroPoints + (firstRow * stride);
        TLanes scales0 = TLanes.Load(scales), scales1 = TLanes.Load(scales + width);
        TLanes bias0 = TLanes.Load(bias), bias1 = TLanes.Load(bias + width);
        for (int row = 0; row < rows; row++)
        {
            TLanes scale = TLanes.Create(*tokenScale);
            int point = *zero - TTile.Offset;
            TLanes y0 = (TLanes.LoadCorrected(sums, columnSums, point) * (scale * scales0)) + bias0;
            TLanes y1 = (TLanes.LoadCorrected(sums + width, columnSums + width, point) * (scale * scales1)) + bias1;
            TLanes.Store(TAccumulate.IsOn ? TLanes.Load(target) + y0 : y0, target);
            TLanes.Store(TAccumulate.IsOn ? TLanes.Load(target + width) + y1 : y1, target + width);
            tokenScale += stride;
            zero += stride;
            sums += 2 * width;
            target += ldc;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dequantize<TLanes>(
        int* sums,
        int* columnSums,
        int zero,
        float scale,
        float* scales,
        float* bias,
        float* target,
        int i,
        bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes value = TLanes.LoadCorrected(sums + i, columnSums + i, zero);
        value = (value * (TLanes.Create(scale) * TLanes.Load(scales + i))) + TLanes.Load(bias + i);
        TLanes.Store(accumulate ? TLanes.Load(target + i) + value : value, target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate<TTile>(
        in IntegerPanels weights,
        byte* a,
        nint lda,
        nint groupStride,
        int* target,
        nint ldtarget,
        int rowStart,
        int rowEnd,
        bool add)
        where TTile : struct, IInt8GemmTile
    {
        int* sums = stackalloc int[TTile.Rows * TTile.Columns];
        for (int n = 0; n < weights.Outputs; n += TTile.Columns)
        {
            GemmPanel panel = weights.Panel<TTile>(n);
            int* columnSums = weights.ColumnSums + n;
            int columns = Math.Min(TTile.Columns, weights.Outputs - n);
            for (int m = rowStart; m < rowEnd; m += TTile.Rows)
            {
                int rows = Math.Min(TTile.Rows, rowEnd - m);
                TTile.Multiply(a + (m * lda), lda, groupStride, rows, in panel, sums);
                for (int row = 0; row < rows; row++)
                {
                    int* source = sums + (row * TTile.Columns), final = target + ((m + row) * ldtarget) + n;
                    for (int i = 0; i < columns; i++)
                    {
                        int sum = source[i] + (TTile.Offset * columnSums[i]);
                        final[i] = add ? final[i] + sum : sum;
                    }
                }
            }
        }
    }
}
