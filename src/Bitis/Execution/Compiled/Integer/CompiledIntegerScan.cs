using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Kernels.Scan;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>One direction of a quantized selective scan, with the softplus before it.</summary>
/// <param name="name">The node.</param>
/// <param name="operands">The places of the inputs and the output.</param>
/// <param name="accumulate">Whether the output is added to that of the other direction.</param>
/// <param name="scan">The scan; the operation disposes of it.</param>
internal sealed class CompiledIntegerScan(
    string name, ScanOperands operands, bool accumulate, PackedScan scan) : CompiledOperation(name, scan)
{
    public override string Kind => "selective scan int16";

    public override int Units => (operands.U.Columns + IntegerScan.ChannelsAtOnce - 1) / IntegerScan.ChannelsAtOnce;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        IntegerScanCall call = ScanOperation.Call(scan, arena, operands);
        call.Accumulate = accumulate;
        IntegerScan.Run(
            in call,
            start * IntegerScan.ChannelsAtOnce,
            Math.Min(end * IntegerScan.ChannelsAtOnce, operands.U.Columns));
    }
}
