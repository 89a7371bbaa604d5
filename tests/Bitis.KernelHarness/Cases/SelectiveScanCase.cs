using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;

namespace Bitis.KernelHarness.Cases;

/// <summary>A float32 scan with operands as a trained Vim has them: small steps Δ, decay rates from 1 to N.</summary>
internal sealed unsafe record SelectiveScanCase(int Tokens, int Channels, int States)
    : KernelCaseOfTable<RangeKernel<SelectiveScanCall>>(SelectiveScan.Table)
{
    public bool Reverse { get; init; }

    public bool Softplus { get; init; }

    /// <summary>Whether decays fall below 2⁻¹²⁶, the least that the scan computes.</summary>
    public bool Vanishes { get; init; }

    public bool HasGate { get; init; }

    public bool HasSkip { get; init; }

    public bool Accumulate { get; init; }

    public float OutputScale { get; init; } = 1f;

    /// <summary>Elements between the rows of U, Δ, Z and Y.</summary>
    public int Padding { get; init; }

    /// <summary>Where the channels are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => $"{States} states";

    internal override string Size => $"{Tokens}×{Channels}×{States}";

    internal override double Work => (double)Tokens * Channels * States;

    private int Stride => Channels + Padding;

    private int Count => NumberArrays.PaddedLength(Tokens, Stride, Channels);

    private float[] U => Spoiled(Sample.Floats(1, Count, -2f, 2f));

    private float[] Delta => Spoiled(
        Softplus ? Sample.Floats(2, Count, -6f, Vanishes ? 200f : 2f) : Sample.Floats(2, Count, 0f, 0.5f));

    /// <summary>ln |A|.</summary>
    private float[] ALog => [.. Enumerable.Range(0, Channels * States).Select(i => MathF.Log((i % States) + 1f))];

    /// <summary>B and C share their rows.</summary>
    private float[] BC => Spoiled(Sample.Floats(3, Tokens * 2 * States));

    private float[] D => Sample.Floats(4, Channels);

    private float[] Z => Spoiled(Sample.Floats(5, Count, -3f, 3f));

    private float[] Before => Sample.Floats(6, Count);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] before = Before;
        double[] y = NumberArrays.Doubles(before);
        double[] magnitudes = [.. before.Select(value => Math.Abs((double)value))];
        for (int channel = 0; channel < Channels; channel++)
            Scan(channel, y, magnitudes);
        return [Expectation.Within(y, magnitudes, 1e-6)];
    }

    /// <summary>The recurrence in float64, and the sum of the absolute values that make up each output.</summary>
    private void Scan(int channel, double[] y, double[] magnitudes)
    {
        float[] u = U, deltas = Delta, aLog = ALog, bc = BC, d = D, z = Z, before = Before;
        double[] h = new double[States], bounds = new double[States];
        for (int i = 0; i < Tokens; i++)
        {
            int t = Reverse ? Tokens - 1 - i : i, at = (t * Stride) + channel;
            double delta = Softplus ? ExactActivations.Softplus(deltas[at]) : deltas[at];
            double sum = HasSkip ? d[channel] * (double)u[at] : 0, magnitude = Math.Abs(sum);
            for (int n = 0; n < States; n++)
            {
                double decay = Math.Exp(-delta * Math.Exp(aLog[(channel * States) + n]));
                double input = delta * u[at] * bc[(t * 2 * States) + n], c = bc[(t * 2 * States) + States + n];
                h[n] = (decay * h[n]) + input;
                bounds[n] = (decay * bounds[n]) + Math.Abs(input);
                sum += c * h[n];
                magnitude += Math.Abs(c) * bounds[n];
            }
            double factor = OutputScale * (HasGate ? ExactActivations.Silu(z[at]) : 1);
            y[at] = (Accumulate ? before[at] : 0) + (sum * factor);
            magnitudes[at] = (Accumulate ? Math.Abs(before[at]) : 0) + (magnitude * Math.Abs(factor));
        }
    }

    private protected override Action<RangeKernel<SelectiveScanCall>> CreateRun()
    {
        var rates = new float[Channels * States];
        SelectiveScan.PackA(ALog, rates, Channels, States);
        if (HasExtremes)
            (rates[3], rates[7]) = (float.NegativeInfinity, float.MinValue);
        GuardedBuffer<float> bc = Input<float>(BC);
        var call = new SelectiveScanCall
        {
            Tokens = Tokens,
            States = States,
            Reverse = Reverse,
            U = Input<float>(U).Pointer,
            UStride = Stride,
            Delta = Input<float>(Delta).Pointer,
            DeltaStride = Stride,
            DeltaSoftplus = Softplus,
            A = Input<float>(rates).Pointer,
            AStride = Channels,
            B = bc.Pointer,
            BStride = 2 * States,
            C = bc.Pointer + States,
            CStride = 2 * States,
            D = HasSkip ? Input<float>(D).Pointer : null,
            Z = HasGate ? Input<float>(Z).Pointer : null,
            ZStride = Stride,
            Y = Output(Before).Pointer,
            YStride = Stride,
            OutputScale = OutputScale,
            Accumulate = Accumulate,
        };
        int[] cuts = [0, .. Cuts, Channels];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
