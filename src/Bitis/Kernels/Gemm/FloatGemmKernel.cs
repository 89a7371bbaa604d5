using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Gemm;

/// <summary>A form of the float32 matrix product; see <see cref="FloatGemm"/>.</summary>
internal sealed unsafe class FloatGemmKernel(
    int rows,
    int columns,
    InstructionSet instructionSet,
    delegate*<PackedFloatWeights, float*, nint, float*, nint, int, int, int, int, bool, void> run,
    delegate*<float*, nint, nint, float*, nint, int, int, int, float*, float*, void> addProduct)
    : Kernel("f32-gemm", $"{rows}x{columns}", instructionSet)
{
    /// <summary>Outputs that one pass over a panel of weights computes: the width of a panel.</summary>
    public int Columns { get; } = columns;

    /// <summary>The function, with the arguments of <see cref="FloatGemm.Run"/>.</summary>
    /// <remarks>
    /// Before the argument for accumulation come the first panel and the one after the last. The weights must be packed
    /// for this kernel.
    /// </remarks>
    public delegate*<PackedFloatWeights, float*, nint, float*, nint, int, int, int, int, bool, void> Run { get; } = run;

    /// <summary>
    /// The arguments of <see cref="FloatGemm.AddTransposed"/> and <see cref="FloatGemm.AddProduct"/>.
    /// </summary>
    /// <remarks>After the left matrix come its distances along N, the rows of the sum, and along M.</remarks>
    public delegate*<float*, nint, nint, float*, nint, int, int, int, float*, float*, void> AddProduct { get; } =
        addProduct;
}
