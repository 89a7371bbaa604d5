using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>Writes which layer of a launch a block computes, and which rows of it.</summary>
/// <param name="FirstRow">The first row.</param>
/// <param name="Input">The input of the layer.</param>
/// <param name="Weights">Its weights.</param>
internal sealed record LinearGroup(Register FirstRow, Register Input, Register Weights)
{
    /// <summary>Reads the parameters of groups behind those of the epilogue, and finds the block's place.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="tileRows">The rows of a block, a power of two.</param>
    /// <param name="rows">The rows of a layer.</param>
    /// <param name="input">The input of the first layer.</param>
    /// <param name="weights">The weights of the first layer.</param>
    /// <param name="epilogue">What becomes of sums.</param>
    public static LinearGroup Find(
        PtxWriter w, LinearShape shape, int tileRows, Register rows, Register input, Register weights,
        LinearEpilogue epilogue)
    {
        Register block = w.Special("ctaid.y");
        if (shape.Groups == 1)
            return new LinearGroup(w.Multiply(block, tileRows), input, weights);
        Register inputBytes = w.Parameter(ParameterKind.Integer), outputs = w.Parameter(ParameterKind.Integer);
        Register rowsBetween = w.Parameter(ParameterKind.Integer);
        Register blocks = w.ShiftRight(w.Add(rows, tileRows - 1), int.Log2(tileRows));
        Register group = w.Emit(RegisterKind.Word, "div.s32", block, blocks);
        block = w.Subtract(block, w.Multiply(group, blocks));
        epilogue.EnterGroup(group, w.Multiply(group, outputs), w.Multiply(group, rowsBetween));
        return new LinearGroup(
            w.Multiply(block, tileRows), w.Address(input, w.Multiply(group, inputBytes), 1),
            w.Address(weights, group, shape.Outputs * shape.WeightStride));
    }
}
