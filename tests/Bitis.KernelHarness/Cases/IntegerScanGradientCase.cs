using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;

namespace Bitis.KernelHarness.Cases;

/// <summary>
/// The backward pass of a quantized scan: the gradients of u, Δ, B and C, and sums for those of the scales.
/// </summary>
/// <param name="Scan">The scan; its operands are also those of the backward pass.</param>
internal sealed unsafe record IntegerScanGradientCase(IntegerScanCase Scan)
    : KernelCaseOfTable<CallKernel<IntegerScanGradientCall>>(IntegerScanGradient.Table)
{
    public bool AccumulateU { get; init; }

    /// <summary>What the sums and the gradient of u hold before the run.</summary>
    public float Start { get; init; }

    internal override string Variant => Scan.Variant;

    internal override string Size => Scan.Size;

    internal override double Work => Scan.Work;

    internal override bool IsBitExact => false;

    internal float[] OutputGradient => Sample.Floats(20, Scan.Tokens * Scan.Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = IntegerScanEquations.Gradients(Scan, OutputGradient);
        gradients[0] = NumberArrays.Plus(gradients[0], AccumulateU ? Start : 0);
        gradients[4] = NumberArrays.Plus(gradients[4], Start);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    private protected override Action<CallKernel<IntegerScanGradientCall>> CreateRun()
    {
        int tokens = Scan.Tokens, channels = Scan.Channels, states = Scan.States;
        IntegerScanTables constants = Scan.CreateScan().TablesFor(Scan.D, tokens);
        PackedScan packed = Own(new PackedScan(constants));
        ScanGradientTables tables = Own(new ScanGradientTables(packed, constants, Scan.ALog, Scan.D));
        GuardedBuffer<float> scratch = Scratch<float>(IntegerScanGradient.ScratchLength(tokens, states));
        var call = new IntegerScanGradientCall
        {
            Tables = tables,
            Scratch = scratch.Pointer,
            Forward = new IntegerScanCall
            {
                Scan = packed,
                Tokens = tokens,
                Reverse = Scan.Reverse,
                U = Input<float>(Scan.U).Pointer,
                UStride = channels,
                Delta = Input<float>(Scan.Delta).Pointer,
                DeltaStride = channels,
                B = Input<float>(Scan.B).Pointer,
                BStride = states,
                C = Input<float>(Scan.C).Pointer,
                CStride = states,
            },
            Gradients = new ScanGradients
            {
                Output = Input<float>(OutputGradient).Pointer,
                OutputStride = channels,
                U = Output(NumberArrays.Repeat(Start, tokens * channels)).Pointer,
                UStride = channels,
                AccumulateU = AccumulateU,
                Delta = Output<float>(tokens * channels).Pointer,
                DeltaStride = channels,
                B = Output<float>(tokens * states).Pointer,
                BStride = states,
                C = Output<float>(tokens * states).Pointer,
                CStride = states,
            },
            Sums = Output(NumberArrays.Repeat(Start, new ScanSums(channels, tokens, tables.Groups).Length)).Pointer,
        };
        return kernel => kernel.Run(in call);
    }
}
