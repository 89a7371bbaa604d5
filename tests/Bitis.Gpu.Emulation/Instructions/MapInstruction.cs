using System.Runtime.Intrinsics;

namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>A function of up to three values of a lane, for eight lanes.</summary>
internal interface IVectorOperation
{
    /// <summary>The results.</summary>
    static abstract Vector256<uint> Apply(Vector256<uint> a, Vector256<uint> b, Vector256<uint> c);
}

/// <summary>A function of up to three values of a lane.</summary>
internal interface IScalarOperation
{
    /// <summary>The result.</summary>
    static abstract uint Apply(uint a, uint b, uint c);
}

/// <summary>Computes a row from up to three rows, lane by lane.</summary>
internal sealed class MapInstruction<TOperation>(int result, int a, int b, int c) : Instruction
    where TOperation : struct, IVectorOperation
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(a, mask);
        warp.RequireRow(b, mask);
        warp.RequireRow(c, mask);
        uint[] words = warp.Words;
        int width = Vector256<uint>.Count;
        for (int lane = 0; lane < Warp.Lanes; lane += width)
        {
            Vector256<uint> value = TOperation.Apply(
                Vector256.Create(words, (a * Warp.Lanes) + lane),
                Vector256.Create(words, (b * Warp.Lanes) + lane),
                Vector256.Create(words, (c * Warp.Lanes) + lane));
            int target = (result * Warp.Lanes) + lane;
            if (mask != Warp.AllLanes)
            {
                value = Vector256.ConditionalSelect(
                    LaneMasks.Of(mask, lane), value, Vector256.Create(words, target));
            }
            value.CopyTo(words, target);
        }
        warp.WrittenRows[result] |= mask;
    }
}

/// <summary>Computes a row from up to three rows, one lane after the other.</summary>
internal sealed class ScalarInstruction<TOperation>(int result, int a, int b, int c) : Instruction
    where TOperation : struct, IScalarOperation
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(a, mask);
        warp.RequireRow(b, mask);
        warp.RequireRow(c, mask);
        Span<uint> target = warp.Row(result);
        ReadOnlySpan<uint> x = warp.Row(a), y = warp.Row(b), z = warp.Row(c);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                target[lane] = TOperation.Apply(x[lane], y[lane], z[lane]);
        }
        warp.WrittenRows[result] |= mask;
    }
}

/// <summary>Computes a float by an approximate function.</summary>
internal sealed class ApproximateInstruction(
    int result, int x, Func<ApproximationErrors, float, float> function) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(x, mask);
        ApproximationErrors errors = warp.Block.Device.Errors;
        Span<uint> target = warp.Row(result), source = warp.Row(x);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
            {
                target[lane] = BitConverter.SingleToUInt32Bits(
                    function(errors, BitConverter.UInt32BitsToSingle(source[lane])));
            }
        }
        warp.WrittenRows[result] |= mask;
    }
}
