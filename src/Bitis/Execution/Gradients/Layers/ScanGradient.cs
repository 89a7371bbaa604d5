using Bitis.Execution.Compiled;
using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Scan;
using SelectiveScan = Bitis.Kernels.Scan.SelectiveScan;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>
/// The selective scan and, where there is one, the softplus before it; see <see cref="SelectiveScanGradient"/>.
/// </summary>
/// <remarks>
/// Of the hidden states only those before every 8 tokens are kept, or before every 32 of a long sequence where
/// memory is saved.
/// </remarks>
internal sealed unsafe class ScanGradient : OperationGradient
{
    // With longer chunks the backward pass leaves the nearest cache. That costs up to 7 % of its time, so it must pay.
    private const int ShortSequence = 128;

    private readonly FusedScan _fused;
    private readonly Node _scan;
    private readonly int _channels;
    private readonly int _states;
    private readonly FloatTensor _packedA;
    private int _checkpointTokens;
    private bool _isFrozen;
    private ParameterSlot _aLog = null!;
    private ParameterSlot _d = null!;
    private ScanOperands _operands;
    private ArenaMatrix _checkpoints;
    private BackwardValue _u = null!, _delta = null!;
    private ArenaMatrix _yGradient, _deltaGradient, _bGradient, _cGradient;
    private GradientTarget _uGradient;

    /// <summary>Creates the operation.</summary>
    public ScanGradient(FusedScan fused)
    {
        (_fused, _scan) = (fused, fused.Scan);
        var op = (Graphs.Operators.SelectiveScan)_scan.Operator;
        _channels = op.Channels;
        _states = op.States;
        _packedA = new FloatTensor([_states, _channels]);
    }

    /// <inheritdoc />
    public override string Kind => _scan.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _isFrozen = planner.IsFrozen(_scan);
        _aLog = planner.Parameter(_scan, 0, Unpack);
        _d = planner.Parameter(_scan, 1);
        ArenaMatrix u = planner.Value(_scan.Inputs[0]), delta = planner.Value(_fused.Delta);
        ArenaMatrix b = planner.Value(_scan.Inputs[2]), c = planner.Value(_scan.Inputs[3]);
        _checkpointTokens = planner.Recomputes && u.Rows > ShortSequence ? 32 : SelectiveScan.ChunkTokens;
        int chunks = (u.Rows + _checkpointTokens - 1) / _checkpointTokens;
        _checkpoints = planner.NewMatrix(chunks * _states, _channels);
        _operands = new ScanOperands(u, delta, b, c, planner.NewValue(_scan));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _u = planner.RecomputedValue(_scan.Inputs[0], reader: _scan);
        _delta = planner.RecomputedValue(_fused.Delta, reader: _scan);
        planner.Keep(_operands.B);
        planner.Keep(_operands.C);
        planner.Keep(_checkpoints);
        planner.NeedScratch(SelectiveScanGradient.ScratchLength(_channels, _states, _checkpointTokens));
        _yGradient = planner.Gradient(_scan);
        _uGradient = planner.RequiredTarget(_scan.Inputs[0]);
        _deltaGradient = planner.OverwrittenTarget(_fused.Delta);
        _bGradient = planner.OverwrittenTarget(_scan.Inputs[2]);
        _cGradient = planner.OverwrittenTarget(_scan.Inputs[3]);
    }

    /// <inheritdoc />
    public override void Prepare() => SelectiveScan.PackA(_aLog.Weight.Span, _packedA.Span, _channels, _states);

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            SelectiveScanCall call = Call(microBatch, image, _operands.OfImage(image));
            SelectiveScan.Run(in call, 0, _channels);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            ScanOperands operands = _operands.OfImage(image) with
            {
                U = _u.OfImage(microBatch, image),
                Delta = _delta.OfImage(microBatch, image),
            };
            var call = new SelectiveScanGradientCall
            {
                Channels = _channels,
                Scratch = microBatch.Scratch,
                Forward = Call(microBatch, image, operands),
                Gradients = new ScanGradients
                {
                    Output = microBatch.Pointer(_yGradient, image),
                    OutputStride = _yGradient.Stride,
                    U = microBatch.Pointer(_uGradient.Matrix, image),
                    UStride = _uGradient.Matrix.Stride,
                    AccumulateU = _uGradient.Accumulate,
                    Delta = microBatch.Pointer(_deltaGradient, image),
                    DeltaStride = _deltaGradient.Stride,
                    B = microBatch.Pointer(_bGradient, image),
                    BStride = _bGradient.Stride,
                    C = microBatch.Pointer(_cGradient, image),
                    CStride = _cGradient.Stride,
                },
                AGradient = _isFrozen ? null : microBatch.Gradient(_aLog),
                DGradient = _isFrozen ? null : microBatch.Gradient(_d),
            };
            SelectiveScanGradient.Run(in call);
        }
    }

    /// <summary>∂L/∂A <c>[N, E]</c> to ∂L/∂A_log = ∂L/∂A·A <c>[E, N]</c>.</summary>
    private void Unpack(ReadOnlySpan<float> packed, Span<float> gradient)
    {
        for (int e = 0; e < _channels; e++)
        {
            for (int n = 0; n < _states; n++)
            {
                int i = (e * _states) + n;
                gradient[i] = packed[(n * _channels) + e] * -MathF.Exp(_aLog.Weight.Span[i]);
            }
        }
    }

    private SelectiveScanCall Call(MicroBatch microBatch, int image, ScanOperands operands)
    {
        SelectiveScanCall call = ScanOperation.Call(
            microBatch.Addresses, operands, _fused.Softplus is not null, _packedA.Pointer, _d.Weight);
        call.Checkpoints = microBatch.Pointer(_checkpoints, image);
        call.CheckpointTokens = _checkpointTokens;
        return call;
    }
}
