using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The AVX-512 VNNI form of <see cref="Int8Gemm"/>: kernels of <see cref="VnniGemmAssembler"/>, assembled when they are
/// first needed.
/// </summary>
/// <remarks>Panels are 64 columns wide; the last one has as many registers of 16 as it needs.</remarks>
internal static unsafe class Int8GemmVnni
{
    /// <summary>Columns of a whole panel.</summary>
    public const int Columns = 64;

    /// <summary>Columns of a register, which the last panel's width is a multiple of.</summary>
    public const int ColumnMultiple = 16;

    private const int MaxVectors = Columns / ColumnMultiple;

    // The kernels by epilogue, registers of columns and rows; 0 where none was needed yet.
    private static readonly nint[] Kernels =
        new nint[Enum.GetValues<VnniGemmEpilogue>().Length * MaxVectors * VnniGemmAssembler.MaxRows(vectors: 1)];

    /// <summary>
    /// Whether the processor has the 512-bit 8-bit dot product, and the system lets assembled code run.
    /// </summary>
    public static bool IsSupported { get; } =
        Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && X86Base.IsSupported
        && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0 // AVX512_VNNI
        && ExecutableMemory.IsAllowed;

    /// <summary>See <see cref="Int8Gemm"/>.</summary>
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
        bool accumulate)
    {
        var call = new VnniGemmCall
        {
            A = a,
            Lda = lda,
            GroupStride = groupStride,
            C = c,
            Ldc = ldc * sizeof(float),
            TokenScales = parameters.Scales,
            ZeroPoints = parameters.ZeroPoints,
            ParameterStride = parameters.Stride * sizeof(float),
        };
        RunPanels(weights, call, rowStart, rowEnd, accumulate ? VnniGemmEpilogue.Add : VnniGemmEpilogue.Store);
    }

    /// <summary>See <see cref="Int8Gemm"/>, raw sums.</summary>
    public static void Accumulate(
        in IntegerPanels weights,
        byte* a,
        nint lda,
        nint groupStride,
        int* sums,
        nint ldsums,
        int rowStart,
        int rowEnd,
        bool add) =>
        RunPanels(
            weights,
            new VnniGemmCall { A = a, Lda = lda, GroupStride = groupStride, C = sums, Ldc = ldsums * sizeof(int) },
            rowStart,
            rowEnd,
            add ? VnniGemmEpilogue.AddSums : VnniGemmEpilogue.Sums);

    /// <summary>Panel by panel, so that a panel stays in the nearest cache for all rows.</summary>
    private static void RunPanels(
        in IntegerPanels weights, VnniGemmCall operands, int rowStart, int rowEnd, VnniGemmEpilogue epilogue)
    {
        for (int n = 0; n < weights.Outputs; n += Columns)
        {
            int columns = Math.Min(Columns, weights.Outputs - n);
            int vectors = (columns + ColumnMultiple - 1) / ColumnMultiple;
            int tileRows = VnniGemmAssembler.MaxRows(vectors), tiles = (rowEnd - rowStart) / tileRows;
            int left = (rowEnd - rowStart) % tileRows;
            VnniGemmCall call = operands;
            call.Panel = weights.Panel(n);
            call.Groups = weights.Groups;
            call.ColumnSums = weights.ColumnSums + n;
            call.Scales = weights.Scales + n;
            call.Bias = weights.Bias + n;
            call.LastMask = (1 << (columns - ((vectors - 1) * ColumnMultiple))) - 1;
            RunTiles(call, n, rowStart, tileRows, tiles, vectors, epilogue);
            if (left > 0)
                RunTiles(call, n, rowEnd - left, left, tiles: 1, vectors, epilogue);
        }
    }

    private static void RunTiles(
        VnniGemmCall call, int column, int row, int rows, int tiles, int vectors, VnniGemmEpilogue epilogue)
    {
        if (tiles <= 0)
            return;
        call.A += row * call.Lda;
        call.C = (byte*)call.C + (row * call.Ldc) + (column * sizeof(float));
        call.TokenScales = (float*)((byte*)call.TokenScales + (row * call.ParameterStride));
        call.ZeroPoints = (int*)((byte*)call.ZeroPoints + (row * call.ParameterStride));
        call.Tiles = tiles;
        ((delegate* unmanaged<VnniGemmCall*, void>)Kernel(rows, vectors, epilogue))(&call);
    }

    private static nint Kernel(int rows, int vectors, VnniGemmEpilogue epilogue)
    {
        int form = ((int)epilogue * MaxVectors) + vectors - 1;
        ref nint kernel = ref Kernels[(form * VnniGemmAssembler.MaxRows(vectors: 1)) + rows - 1];
        nint address = Volatile.Read(ref kernel);
        if (address != 0)
            return address;
        // Two threads may both assemble the kernel. Either result is right.
        address = ExecutableMemory.Place(VnniGemmAssembler.Assemble(rows, vectors, epilogue));
        if (address == 0)
        {
            throw new BitisException(
                "The system has no more memory for machine code; set BITIS_ISA=avx512 to do without it.");
        }
        Volatile.Write(ref kernel, address);
        return address;
    }
}
