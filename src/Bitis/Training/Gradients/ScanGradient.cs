using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;
using SelectiveScan = Bitis.Runtime.Kernels.SelectiveScan;

namespace Bitis.Training.Gradients;

/// <summary>
/// The selective scan and, where there is one, the softplus before it; see <see cref="SelectiveScanGradient"/>. Of the
/// hidden states only those before every <see cref="SelectiveScan.ChunkTokens"/> tokens are kept.
/// </summary>
internal sealed unsafe class ScanGradient : GradientStep
{
    private readonly Node _scan;
    private readonly Node _deltaNode;
    private readonly int _channels;
    private readonly int _states;
    private readonly Tensor _packedA;
    private bool _isFrozen, _isQuantizing;
    private ParameterSlot _aLog = null!;
    private ParameterSlot _d = null!;
    private ArenaMatrix _u, _delta, _b, _c, _y, _checkpoints, _uAgain, _deltaAgain, _yGradient;
    private GradientTarget _uGradient, _deltaGradient, _bGradient, _cGradient;

    /// <summary>Creates the step.</summary>
    /// <param name="scan">The scan.</param>
    /// <param name="delta">The input of the softplus that makes Δ, or Δ itself.</param>
    public ScanGradient(Node scan, Node delta)
    {
        _scan = scan;
        _deltaNode = delta;
        var op = (Operators.SelectiveScan)scan.Operator;
        _channels = op.Channels;
        _states = op.States;
        _packedA = new Tensor([_states, _channels]);
    }

    /// <inheritdoc />
    public override string Kind => _scan.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _isFrozen = planner.IsFrozen(_scan);
        _isQuantizing = planner.AreParametersFrozen;
        _aLog = planner.Parameter(_scan, 0);
        _d = planner.Parameter(_scan, 1);
        _u = planner.Value(_scan.Inputs[0]);
        _delta = planner.Value(_deltaNode);
        _b = planner.Value(_scan.Inputs[2]);
        _c = planner.Value(_scan.Inputs[3]);
        if (_delta.IsReversed != _u.IsReversed || _b.IsReversed != _u.IsReversed || _c.IsReversed != _u.IsReversed)
            throw new NotSupportedException($"The inputs of '{_scan.Name}' lie in different orders.");
        int chunks = (_u.Rows + SelectiveScan.ChunkTokens - 1) / SelectiveScan.ChunkTokens;
        _checkpoints = planner.NewMatrix(chunks * _states, _channels);
        _y = planner.NewValue(_scan, _u.IsReversed);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _uAgain = planner.RepeatedValue(_scan.Inputs[0], reader: _scan);
        _deltaAgain = planner.RepeatedValue(_deltaNode, reader: _deltaNode == _scan.Inputs[1] ? _scan : _scan.Inputs[1]);
        planner.Keep(_b);
        planner.Keep(_c);
        planner.Keep(_checkpoints);
        planner.NeedScratch(SelectiveScanGradient.ScratchLength(_channels, _states));
        _yGradient = planner.Gradient(_scan);
        _uGradient = planner.RequiredTarget(_scan.Inputs[0]);
        _deltaGradient = planner.RequiredTarget(_deltaNode);
        _bGradient = planner.RequiredTarget(_scan.Inputs[2]);
        _cGradient = planner.RequiredTarget(_scan.Inputs[3]);
        if (_deltaGradient.Accumulate || _bGradient.Accumulate || _cGradient.Accumulate)
            throw new NotSupportedException($"Δ, B or C of '{_scan.Name}' have other users.");
    }

    /// <inheritdoc />
    public override void Prepare() => SelectiveScan.PackA(_aLog.Weight.Span, _packedA.Span, _channels, _states);

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            SelectiveScanCall call = Call(lane, image, _u, _delta);
            SelectiveScan.Run(in call, 0, _channels);
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            var call = new SelectiveScanGradientCall
            {
                Forward = Call(lane, image, _uAgain, _deltaAgain),
                Gradients = new ScanGradients
                {
                    Output = lane.Pointer(_yGradient, image),
                    OutputStride = _yGradient.Stride,
                    U = lane.Pointer(_uGradient.Matrix, image),
                    UStride = _uGradient.Matrix.Stride,
                    AccumulateU = _uGradient.Accumulate,
                    Delta = lane.Pointer(_deltaGradient.Matrix, image),
                    DeltaStride = _deltaGradient.Matrix.Stride,
                    B = lane.Pointer(_bGradient.Matrix, image),
                    BStride = _bGradient.Matrix.Stride,
                    C = lane.Pointer(_cGradient.Matrix, image),
                    CStride = _cGradient.Matrix.Stride,
                },
                AGradient = _isFrozen ? null : lane.Gradient(_aLog),
                DGradient = _isFrozen ? null : lane.Gradient(_d),
            };
            SelectiveScanGradient.Run(in call, _channels, lane.Scratch);
        }
    }

    /// <summary>∂L/∂A <c>[N, E]</c> to ∂L/∂A_log = ∂L/∂A·A <c>[E, N]</c>.</summary>
    public override void Finish()
    {
        if (_isFrozen)
            return;
        Tensor packed = _aLog.Gradient.Clone();
        Span<float> gradient = _aLog.Gradient.Span;
        for (int e = 0; e < _channels; e++)
        {
            for (int n = 0; n < _states; n++)
            {
                int i = (e * _states) + n;
                gradient[i] = packed.Span[(n * _channels) + e] * -MathF.Exp(_aLog.Weight.Span[i]);
            }
        }
    }

    private SelectiveScanCall Call(GradientLane lane, int image, ArenaMatrix u, ArenaMatrix delta) => new()
    {
        Tokens = _u.Rows,
        States = _states,
        Reverse = _u.IsReversed,
        U = lane.Pointer(u, image),
        UStride = u.Stride,
        Delta = lane.Pointer(delta, image),
        DeltaStride = delta.Stride,
        DeltaSoftplus = _deltaNode != _scan.Inputs[1],
        A = _packedA.Pointer,
        AStride = _channels,
        B = lane.Pointer(_b, image),
        BStride = _b.Stride,
        C = lane.Pointer(_c, image),
        CStride = _c.Stride,
        D = _d.Weight.Pointer,
        Y = lane.Pointer(_y, image),
        YStride = _y.Stride,
        OutputScale = 1,
        CubicDecay = _isQuantizing, // as the model that is being quantized computes it
        Checkpoints = lane.Pointer(_checkpoints, image),
    };
}
