namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Two float16 in a word.</summary>
internal static class HalfPair
{
    /// <summary>Applies a function to both.</summary>
    public static uint Map(uint a, uint b, uint c, Func<float, float, float, double> function) =>
        Apply((ushort)a, (ushort)b, (ushort)c, function)
        | (Apply((ushort)(a >> 16), (ushort)(b >> 16), (ushort)(c >> 16), function) << 16);

    private static uint Apply(ushort a, ushort b, ushort c, Func<float, float, float, double> function) =>
        BitConverter.HalfToUInt16Bits((Half)function(Value(a), Value(b), Value(c)));

    private static float Value(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);
}

internal readonly struct MultiplyHalves : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => HalfPair.Map(a, b, c, (x, y, _) => (double)x * y);
}

/// <summary>Rounded once: products and sums of float16 are exact in float64, but for sums of far apart terms.</summary>
internal readonly struct FusedMultiplyAddHalves : IScalarOperation
{
    public static uint Apply(uint a, uint b, uint c) => HalfPair.Map(a, b, c, (x, y, z) => ((double)x * y) + z);
}

/// <summary>Both halves of a word.</summary>
internal sealed class UnpackInstruction(int[] results, int x) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(x, mask);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
                continue;
            uint word = warp.Row(x)[lane];
            (warp.Row(results[0])[lane], warp.Row(results[1])[lane]) = (word & ushort.MaxValue, word >> 16);
        }
        warp.WrittenRows[results[0]] |= mask;
        warp.WrittenRows[results[1]] |= mask;
    }
}

/// <summary>Computes two float16 by an approximate function.</summary>
internal sealed class ApproximateHalvesInstruction(
    int result, int x, Func<ApproximationErrors, float, double> function) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(x, mask);
        ApproximationErrors errors = warp.Block.Device.Errors;
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
            {
                warp.Row(result)[lane] = HalfPair.Map(
                    warp.Row(x)[lane], 0, 0, (value, _, _) => function(errors, value));
            }
        }
        warp.WrittenRows[result] |= mask;
    }
}
