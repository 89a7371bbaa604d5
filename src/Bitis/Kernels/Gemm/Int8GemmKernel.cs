using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Gemm;

/// <summary>A form of the integer matrix product; see <see cref="Int8Gemm"/>.</summary>
internal sealed unsafe class Int8GemmKernel(
    int weightBits,
    int rows,
    int columns,
    int columnMultiple,
    InstructionSet instructionSet,
    delegate*<in IntegerPanels, byte*, nint, nint, in TokenParameters, float*, nint, int, int, bool, void> run,
    delegate*<in IntegerPanels, byte*, nint, nint, int*, nint, int, int, bool, void> accumulate,
    delegate*<sbyte*, int, in PanelRuns, int> findRuns = null)
    : Kernel($"u8s{weightBits}-gemm", $"{rows}x{columns}", instructionSet)
{
    /// <summary>The most bits that a weight may have.</summary>
    public int WeightBits { get; } = weightBits;

    /// <summary>Outputs that one pass over a panel of weights computes: the width of a panel.</summary>
    public int Columns { get; } = columns;

    /// <summary>The number that the width of the last panel is a multiple of.</summary>
    public int ColumnMultiple { get; } = columnMultiple;

    /// <summary>The arguments of <see cref="Int8Gemm"/>; the weights must be packed for this kernel.</summary>
    public delegate*<in IntegerPanels, byte*, nint, nint, in TokenParameters, float*, nint, int, int, bool, void> Run
    {
        get;
    } = run;

    /// <summary>
    /// The arguments of <see cref="Int8Gemm"/>, raw sums; the weights must be packed for this kernel.
    /// </summary>
    public delegate*<in IntegerPanels, byte*, nint, nint, int*, nint, int, int, bool, void> Accumulate
    {
        get;
    } = accumulate;

    /// <summary>Whether the kernel needs the runs of each panel.</summary>
    public bool UsesRuns => FindRuns != null;

    /// <summary>Finds the runs of a panel; null if the kernel does not need them.</summary>
    public delegate*<sbyte*, int, in PanelRuns, int> FindRuns { get; } = findRuns;
}
