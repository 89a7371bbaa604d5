using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm.Tiles;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Gemm;

/// <summary>The addresses of the weights, scales and bias of an integer product.</summary>
/// <remarks>
/// Weights lie in panels <c>[N/columns][K/4][columns][4]</c> of one kernel's layout
/// (<see cref="PackedIntegerWeights"/>). The memory belongs to another object.
/// </remarks>
internal unsafe struct IntegerPanels
{
    /// <summary>The memory into which this thread unpacks a panel.</summary>
    [ThreadStatic]
    private static NativeBuffer<sbyte>? _unpacked;

    /// <summary>The kernel whose layout this is.</summary>
    public Int8GemmKernel Kernel;

    /// <summary>N, the length of an output row.</summary>
    public int Outputs;

    /// <summary>
    /// The width of all panels together: N rounded up to the kernel's <see cref="Int8GemmKernel.ColumnMultiple"/>.
    /// </summary>
    public int PaddedOutputs;

    /// <summary>K / 4, rounded up: the groups of four values of a dot product.</summary>
    public int Groups;

    /// <summary>Whether two weights share a byte.</summary>
    public bool HasNibbles;

    /// <summary>The panels.</summary>
    public sbyte* Weights;

    /// <summary>The runs of each panel; null if they are to be found when a kernel needs them.</summary>
    public PanelRuns* Runs;

    /// <summary>The sum of each output's weights, for the activation's zero point.</summary>
    public int* ColumnSums;

    /// <summary>The weight scale of each output.</summary>
    public float* Scales;

    /// <summary>The bias of each output, zero where there is none.</summary>
    public float* Bias;

    /// <summary>The panel that starts at a column, one weight a byte.</summary>
    /// <remarks>Its contents are valid until this thread asks for another panel.</remarks>
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
        PanelNibbles.Unpack((byte*)Weights + (start / 2), _unpacked.Pointer, length / 2);
        return _unpacked.Pointer;
    }

    /// <summary>The panel that starts at a column, as a tile reads it.</summary>
    /// <remarks>Its contents are valid until this thread asks for another panel.</remarks>
    public readonly GemmPanel Panel<TTile>(int column)
        where TTile : struct, IInt8GemmTile
    {
        var panel = new GemmPanel { Weights = Panel(column), Groups = Groups };
        if (!TTile.UsesRuns)
            return panel;
        if (Runs != null)
        {
            panel.Runs = Runs[column / TTile.Columns];
            return panel;
        }
        panel.Runs = PackedRuns.Scratch(TTile.Columns, Groups);
        TTile.FindRuns(panel.Weights, Groups, in panel.Runs);
        return panel;
    }

    /// <summary>Packs panels of bytes, each a weight of at most 4 bits, two to a byte.</summary>
    /// <param name="kernel">The kernel whose layout this is.</param>
    /// <param name="paddedOutputs">The width of all panels together.</param>
    /// <param name="groups">The groups of four values of a dot product.</param>
    /// <param name="panels">The panels.</param>
    /// <param name="target">Half as many bytes.</param>
    public static void PackNibbles(Int8GemmKernel kernel, int paddedOutputs, int groups, sbyte* panels, sbyte* target)
    {
        for (int column = 0; column < paddedOutputs; column += kernel.Columns)
        {
            nint half = (nint)Math.Min(kernel.Columns, paddedOutputs - column) * groups * 2;
            nint start = (nint)column * groups * 4;
            PanelNibbles.Pack(panels + start, (byte*)target + (start / 2), (int)half);
        }
    }
}
