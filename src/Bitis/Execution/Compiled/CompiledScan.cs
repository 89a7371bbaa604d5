using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Scan;
using Bitis.Tensors;

namespace Bitis.Execution.Compiled;

/// <summary>One direction of a selective scan, with the softplus before it if there is one.</summary>
internal sealed class CompiledScan : CompiledOperation
{
    private const int ChannelsPerUnit = 16;

    private readonly ScanOperands _operands;
    private readonly bool _accumulate;
    private readonly bool _deltaSoftplus;
    private readonly NativeBuffer<float> _a;
    private readonly FloatTensor _d;

    /// <summary>Packs A.</summary>
    /// <param name="name">The node.</param>
    /// <param name="operands">The places of the inputs and the output.</param>
    /// <param name="accumulate">Whether the output is added to that of the other direction.</param>
    /// <param name="deltaSoftplus">Whether Δ comes before its softplus, which the operation applies.</param>
    /// <param name="aLog"><c>[channels, states]</c></param>
    /// <param name="d"><c>[channels]</c></param>
    public CompiledScan(
        string name, ScanOperands operands, bool accumulate, bool deltaSoftplus, FloatTensor aLog, FloatTensor d)
        : this(name, operands, accumulate, deltaSoftplus, aLog, d, new NativeBuffer<float>(aLog.Length))
    {
    }

    private CompiledScan(
        string name, ScanOperands operands, bool accumulate, bool deltaSoftplus, FloatTensor aLog,
        FloatTensor d, NativeBuffer<float> packed)
        : base(name, packed)
    {
        _operands = operands;
        _accumulate = accumulate;
        _deltaSoftplus = deltaSoftplus;
        _d = d;
        _a = packed;
        SelectiveScan.PackA(aLog.Span, _a.Span, aLog.Shape[0], aLog.Shape[1]);
    }

    public override string Kind => "selective scan";

    public override int Units => (_operands.U.Columns + ChannelsPerUnit - 1) / ChannelsPerUnit;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        SelectiveScanCall call = ScanOperation.Call(arena, _operands, _deltaSoftplus, _a.Pointer, _d);
        call.Accumulate = _accumulate;
        SelectiveScan.Run(in call, start * ChannelsPerUnit, Math.Min(end * ChannelsPerUnit, _operands.U.Columns));
        GC.KeepAlive(_d);
    }
}
