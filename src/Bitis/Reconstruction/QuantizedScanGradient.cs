using Bitis.Execution.Compiled;
using Bitis.Execution.Gradients;
using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Scans;

namespace Bitis.Reconstruction;

/// <summary>The forward and backward pass of a quantized scan, with the softplus before it.</summary>
/// <remarks>
/// Forward, it computes in integers as a session does. Backward, it uses straight-through gradients
/// (<see cref="IntegerScanGradient"/>).
/// </remarks>
/// <param name="scan">The scan; its gradients are written there.</param>
/// <param name="fused">The operation in the graph that is run.</param>
internal sealed unsafe class QuantizedScanGradient(LearnedScan scan, FusedScan fused) : OperationGradient, IDisposable
{
    private readonly Node _node = fused.Scan;
    private PackedScan? _packed;
    private ScanGradientTables? _tables;
    private ParameterSlot _sums = null!;
    private ScanOperands _operands;
    private ArenaMatrix _yGradient;
    private GradientTarget? _uGradient;
    private ArenaMatrix? _deltaGradient, _bGradient, _cGradient;

    /// <inheritdoc />
    public override string Kind => "quantized scan";

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        ScanOperands inputs = Inputs(planner);
        _operands = inputs with { Y = planner.NewValue(_node) };
        _sums = planner.NewSums($"{_node.Name}.scales", scan.Sums.Length);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        Inputs(planner);
        planner.NeedScratch(IntegerScanGradient.ScratchLength(_operands.U.Rows, _operands.B.Columns));
        _yGradient = planner.Gradient(_node);
        _uGradient = planner.Target(_node.Inputs[0]);
        _deltaGradient = planner.OverwrittenTargetIfNeeded(fused.Delta);
        _bGradient = planner.OverwrittenTargetIfNeeded(_node.Inputs[2]);
        _cGradient = planner.OverwrittenTargetIfNeeded(_node.Inputs[3]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        Dispose();
        IntegerScanTables tables = scan.ToQuantized().TablesFor(scan.D, _operands.U.Rows);
        _packed = new PackedScan(tables);
        _tables = new ScanGradientTables(_packed, tables, scan.ALog, scan.D);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            IntegerScanCall call = ScanOperation.Call(_packed!, microBatch.Addresses, _operands.OfImage(image));
            IntegerScan.Run(in call, 0, _operands.Y.Columns);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new IntegerScanGradientCall
            {
                Tables = _tables!,
                Scratch = microBatch.Scratch,
                Forward = ScanOperation.Call(_packed!, microBatch.Addresses, _operands.OfImage(image)),
                Gradients = new ScanGradients
                {
                    Output = microBatch.Pointer(_yGradient, image),
                    OutputStride = _yGradient.Stride,
                    U = Pointer(microBatch, _uGradient?.Matrix, image),
                    UStride = _uGradient?.Matrix.Stride ?? 0,
                    AccumulateU = _uGradient is { Accumulate: true },
                    Delta = Pointer(microBatch, _deltaGradient, image),
                    DeltaStride = _deltaGradient?.Stride ?? 0,
                    B = Pointer(microBatch, _bGradient, image),
                    BStride = _bGradient?.Stride ?? 0,
                    C = Pointer(microBatch, _cGradient, image),
                    CStride = _cGradient?.Stride ?? 0,
                },
                Sums = microBatch.Gradient(_sums),
            };
            IntegerScanGradient.Run(in call);
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

    private ScanOperands Inputs(GradientPlanner planner) => new(
        planner.Value(_node.Inputs[0]), planner.Value(fused.Delta), planner.Value(_node.Inputs[2]),
            planner.Value(_node.Inputs[3]), Y: default);

    private static float* Pointer(MicroBatch microBatch, ArenaMatrix? target, int image) =>
        target is { } known ? microBatch.Pointer(known, image) : null;
}
