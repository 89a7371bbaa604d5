using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// Where the weights, scales and bias of an integer product lie: panels <c>[N/columns][K/4][columns][4]</c> of one kernel's
/// layout (<see cref="PackedIntegerWeights"/>), in memory that somebody else owns.
/// </summary>
internal unsafe struct IntegerPanels
{
    /// <summary>Where this thread unpacks a panel.</summary>
    [ThreadStatic]
    private static NativeBuffer<sbyte>? _unpacked;

    /// <summary>The kernel whose layout this is.</summary>
    public Int8GemmKernel Kernel;

    /// <summary>N, the length of an output row.</summary>
    public int Outputs;

    /// <summary>The width of all panels together: N rounded up to the kernel's step.</summary>
    public int PaddedOutputs;

    /// <summary>K / 4, rounded up: the steps of a dot product.</summary>
    public int Groups;

    /// <summary>Whether two weights share a byte.</summary>
    public bool HasNibbles;

    /// <summary>The panels.</summary>
    public sbyte* Weights;

    /// <summary>The sum of each output's weights, for the activation's zero point.</summary>
    public int* ColumnSums;

    /// <summary>The weight scale of each output.</summary>
    public float* Scales;

    /// <summary>The bias of each output, zero where there is none.</summary>
    public float* Bias;

    /// <summary>The panel that starts at a column, one weight a byte. It stays as it is until this thread asks for another one.</summary>
    public readonly sbyte* Panel(int column)
    {
        nint start = (nint)column * Groups * 4;
        if (!HasNibbles)
            return Weights + start;
        int length = Math.Min(Kernel.Columns, PaddedOutputs - column) * Groups * 4;
        if (_unpacked is null || _unpacked.Length < length)
        {
            _unpacked?.Dispose();
            _unpacked = new NativeBuffer<sbyte>(length);
        }
        Unpack((byte*)Weights + (start / 2), _unpacked.Pointer, length / 2);
        return _unpacked.Pointer;
    }

    /// <summary>Packs panels of bytes, each a weight of at most 4 bits, two to a byte.</summary>
    /// <param name="kernel">The kernel whose layout this is.</param>
    /// <param name="paddedOutputs">The width of all panels together.</param>
    /// <param name="groups">The steps of a dot product.</param>
    /// <param name="panels">The panels.</param>
    /// <param name="target">Half as many bytes.</param>
    public static void PackNibbles(Int8GemmKernel kernel, int paddedOutputs, int groups, sbyte* panels, sbyte* target)
    {
        for (int column = 0; column < paddedOutputs; column += kernel.Columns)
        {
            nint half = (nint)Math.Min(kernel.Columns, paddedOutputs - column) * groups * 2, start = (nint)column * groups * 4;
            Pack((byte*)panels + start, (byte*)target + (start / 2), half);
        }
    }

    /// <summary>The opposite of <see cref="Unpack"/>.</summary>
    private static void Pack(byte* panel, byte* target, nint count)
    {
        nint i = 0;
        for (; Vector512.IsHardwareAccelerated && i + Vector512<byte>.Count <= count; i += Vector512<byte>.Count)
        {
            Vector512<byte> low = Vector512.Load(panel + i), high = Vector512.Load(panel + count + i), mask = Vector512.Create((byte)0xF);
            ((low & mask) | ((high & mask).AsUInt16() << 4).AsByte()).Store(target + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<byte>.Count <= count; i += Vector128<byte>.Count)
        {
            Vector128<byte> low = Vector128.Load(panel + i), high = Vector128.Load(panel + count + i), mask = Vector128.Create((byte)0xF);
            ((low & mask) | ((high & mask).AsUInt16() << 4).AsByte()).Store(target + i);
        }
        for (; i < count; i++)
            target[i] = (byte)((panel[i] & 0xF) | (panel[count + i] << 4));
    }

    /// <summary>The low halves of some bytes, then their high halves, as signed numbers: (x ^ 8) − 8 extends a sign of 4 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* packed, sbyte* target, int count)
    {
        int i = 0;
        for (; Vector512.IsHardwareAccelerated && i + Vector512<byte>.Count <= count; i += Vector512<byte>.Count)
        {
            Vector512<byte> pairs = Vector512.Load(packed + i), low = Vector512.Create((byte)0xF), sign = Vector512.Create((byte)8);
            (((pairs & low) ^ sign) - sign).Store((byte*)target + i);
            ((((pairs.AsUInt16() >> 4).AsByte() & low) ^ sign) - sign).Store((byte*)target + count + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<byte>.Count <= count; i += Vector128<byte>.Count)
        {
            Vector128<byte> pairs = Vector128.Load(packed + i), low = Vector128.Create((byte)0xF), sign = Vector128.Create((byte)8);
            (((pairs & low) ^ sign) - sign).Store((byte*)target + i);
            ((((pairs.AsUInt16() >> 4).AsByte() & low) ^ sign) - sign).Store((byte*)target + count + i);
        }
        for (; i < count; i++)
        {
            target[i] = (sbyte)(((packed[i] & 0xF) ^ 8) - 8);
            target[count + i] = (sbyte)(((packed[i] >> 4) ^ 8) - 8);
        }
    }
}
