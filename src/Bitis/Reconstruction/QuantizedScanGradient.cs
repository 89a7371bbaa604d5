using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Training.Gradients;

namespace Bitis.Reconstruction;

/// <summary>
/// A quantized scan, with the softplus before it: forward in integers as the runtime computes it, and back with straight-through
/// gradients (<see cref="IntegerScanGradient"/>).
/// </summary>
/// <param name="scan">The scan; its gradients are written there.</param>
/// <param name="node">The scan's node in the graph that is run.</param>
internal sealed unsafe class QuantizedScanGradient(LearnedScan scan, Node node) : GradientStep, IDisposable
{
    private readonly Node _deltaNode = node.Inputs[1].Inputs[0];
    private readonly int _states = node.Inputs[2].Shape[^1];
    private PackedScan? _packed;
    private ScanGradientTables? _tables;
    private ParameterSlot _sums = null!;
    private ArenaMatrix _u, _delta, _b, _c, _y, _yGradient;
    private GradientTarget? _uGradient, _deltaGradient, _bGradient, _cGradient;

    /// <inheritdoc />
    public override string Kind => "quantized scan";

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        PlanInputs(planner);
        if (_delta.IsReversed != _u.IsReversed || _b.IsReversed != _u.IsReversed || _c.IsReversed != _u.IsReversed)
            throw new NotSupportedException($"The inputs of '{node.Name}' lie in different orders.");
        _y = planner.NewValue(node, _u.IsReversed);
        _sums = planner.NewSums($"{node.Name}.scales", scan.Sums.Length);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        PlanInputs(planner);
        planner.NeedScratch(IntegerScanGradient.ScratchLength(_u.Rows, _states));
        _yGradient = planner.Gradient(node);
        _uGradient = planner.Target(node.Inputs[0]);
        _deltaGradient = planner.Target(_deltaNode);
        _bGradient = planner.Target(node.Inputs[2]);
        _cGradient = planner.Target(node.Inputs[3]);
        if (_deltaGradient is { Accumulate: true } || _bGradient is { Accumulate: true } || _cGradient is { Accumulate: true })
            throw new NotSupportedException($"Δ, B or C of '{node.Name}' have other users.");
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        Dispose();
        QuantizedScan quantized = scan.ToQuantized();
        _packed = new PackedScan(quantized, scan.D, _u.Rows);
        _tables = new ScanGradientTables(_packed, scan.ALog, scan.D, _u.Rows);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            IntegerScanCall call = Call(lane, image);
            IntegerScan.Run(_packed!, in call, 0, _y.Columns);
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            var call = new IntegerScanGradientCall
            {
                Forward = Call(lane, image),
                Gradients = new ScanGradients
                {
                    Output = lane.Pointer(_yGradient, image),
                    OutputStride = _yGradient.Stride,
                    U = Pointer(lane, _uGradient, image),
                    UStride = Stride(_uGradient),
                    AccumulateU = _uGradient is { Accumulate: true },
                    Delta = Pointer(lane, _deltaGradient, image),
                    DeltaStride = Stride(_deltaGradient),
                    B = Pointer(lane, _bGradient, image),
                    BStride = Stride(_bGradient),
                    C = Pointer(lane, _cGradient, image),
                    CStride = Stride(_cGradient),
                },
                Sums = lane.Gradient(_sums),
            };
            IntegerScanGradient.Run(_tables!, in call, lane.Scratch);
        }
    }

    /// <inheritdoc />
    public override void Finish() => scan.SetGradients(_sums.Gradient.Span);

    /// <inheritdoc />
    public void Dispose()
    {
        _tables?.Dispose();
        _packed?.Dispose();
    }

    private void PlanInputs(GradientPlanner planner)
    {
        _u = planner.Value(node.Inputs[0]);
        _delta = planner.Value(_deltaNode);
        _b = planner.Value(node.Inputs[2]);
        _c = planner.Value(node.Inputs[3]);
    }

    private static float* Pointer(GradientLane lane, GradientTarget? target, int image) =>
        target is { } known ? lane.Pointer(known.Matrix, image) : null;

    private static nint Stride(GradientTarget? target) => target?.Matrix.Stride ?? 0;

    private IntegerScanCall Call(GradientLane lane, int image) => new()
    {
        Tokens = _u.Rows,
        Reverse = _u.IsReversed,
        U = lane.Pointer(_u, image),
        UStride = _u.Stride,
        Delta = lane.Pointer(_delta, image),
        DeltaStride = _delta.Stride,
        B = lane.Pointer(_b, image),
        BStride = _b.Stride,
        C = lane.Pointer(_c, image),
        CStride = _c.Stride,
        Y = lane.Pointer(_y, image),
        YStride = _y.Stride,
    };
}
