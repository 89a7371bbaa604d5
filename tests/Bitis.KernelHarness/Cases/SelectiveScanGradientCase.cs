using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of a float32 scan: the gradients of u, Δ, B, C, A and D.</summary>
internal sealed unsafe record SelectiveScanGradientCase(int Tokens, int Channels, int States)
    : KernelCaseOfTable<CallKernel<SelectiveScanGradientCall>>(SelectiveScanGradient.Table)
{
    private GuardedBuffer<float>? _y;

    public bool Reverse { get; init; }

    public bool Softplus { get; init; } = true;

    public bool AccumulateU { get; init; }

    /// <summary>The distance of the hidden states that the forward pass keeps.</summary>
    public int CheckpointTokens { get; init; } = SelectiveScan.ChunkTokens;

    /// <summary>What the sums and the gradient of u hold before the run.</summary>
    public float Start { get; init; }

    internal override string Variant => $"{States} states, kept every {CheckpointTokens} tokens";

    internal override string Size => $"{Tokens}×{Channels}×{States}";

    internal override double Work => (double)Tokens * Channels * States;

    internal override bool IsBitExact => false;

    internal float[] U { get => field ?? Sample.Floats(1, Tokens * Channels); init; }

    /// <summary>Δ before the softplus.</summary>
    internal float[] Delta { get => field ?? Sample.Floats(2, Tokens * Channels); init; }

    internal float[] B { get => field ?? Sample.Floats(3, Tokens * States); init; }

    internal float[] C { get => field ?? Sample.Floats(4, Tokens * States); init; }

    /// <summary>The decay rates, less than zero, <c>[channels, states]</c>.</summary>
    internal float[] A
    {
        get => field ?? [.. Sample.Floats(5, Channels * States).Select(value => -0.1f - (3 * Math.Abs(value)))];
        init;
    }

    internal float[] D { get => field ?? Sample.Floats(6, Channels); init; }

    internal float[] OutputGradient { get => field ?? Sample.Floats(7, Tokens * Channels); init; }

    /// <summary>The output of the forward pass.</summary>
    internal float[] Y()
    {
        Prepare();
        return _y!.Span.ToArray();
    }

    /// <summary>The gradients of u, Δ, B, C, A as <c>[channels, states]</c>, and D.</summary>
    internal float[][] GradientsOf(CallKernel<SelectiveScanGradientCall> kernel)
    {
        float[][] gradients = [.. ResultsOf(kernel).Cast<float[]>()];
        gradients[4] = Transposed(gradients[4], Channels);
        return gradients;
    }

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = NumericalGradient.OfEach(Loss, U, Delta, B, C, A, D);
        for (int i = 0; i < gradients.Length; i++)
        {
            if (i is 4 or 5 || (i == 0 && AccumulateU)) // A and D always add, u if it is told to
                gradients[i] = NumberArrays.Plus(gradients[i], Start);
        }
        gradients[4] = Transposed(gradients[4], States);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    /// <summary>The sum of the outputs, each with a weight.</summary>
    private double Loss(double[][] operands)
    {
        double[] u = operands[0], deltas = operands[1], b = operands[2], c = operands[3], a = operands[4],
            d = operands[5];
        float[] weights = OutputGradient;
        double loss = 0;
        var h = new double[States];
        for (int channel = 0; channel < Channels; channel++)
        {
            Array.Clear(h);
            for (int i = 0; i < Tokens; i++)
            {
                int t = Reverse ? Tokens - 1 - i : i, at = (t * Channels) + channel;
                double delta = Softplus ? Math.Log(1 + Math.Exp(deltas[at])) : deltas[at], y = d[channel] * u[at];
                for (int n = 0; n < States; n++)
                {
                    double decay = Math.Exp(delta * a[(channel * States) + n]);
                    h[n] = (decay * h[n]) + (delta * b[(t * States) + n] * u[at]);
                    y += c[(t * States) + n] * h[n];
                }
                loss += y * weights[at];
            }
        }
        return loss;
    }

    private protected override Action<CallKernel<SelectiveScanGradientCall>> CreateRun()
    {
        int chunks = (Tokens + CheckpointTokens - 1) / CheckpointTokens;
        float[] rates = Array.ConvertAll(A, value => (float)(value / Math.Log(2)));
        _y = Scratch<float>(Tokens * Channels);
        GuardedBuffer<float> scratch = Scratch<float>(
            SelectiveScanGradient.ScratchLength(Channels, States, CheckpointTokens));
        var call = new SelectiveScanGradientCall
        {
            Channels = Channels,
            Scratch = scratch.Pointer,
            Forward = new SelectiveScanCall
            {
                Tokens = Tokens,
                States = States,
                Reverse = Reverse,
                U = Input<float>(SpoiledForSums(U)).Pointer,
                UStride = Channels,
                Delta = Input<float>(SpoiledForSums(Delta)).Pointer,
                DeltaStride = Channels,
                DeltaSoftplus = Softplus,
                A = Input<float>(Transposed(rates, States)).Pointer,
                AStride = Channels,
                B = Input<float>(SpoiledForSums(B)).Pointer,
                BStride = States,
                C = Input<float>(C).Pointer,
                CStride = States,
                D = Input<float>(D).Pointer,
                Y = _y.Pointer,
                YStride = Channels,
                OutputScale = 1,
                Checkpoints = Scratch<float>(chunks * States * Channels).Pointer,
                CheckpointTokens = CheckpointTokens,
            },
            Gradients = new ScanGradients
            {
                Output = Input<float>(OutputGradient).Pointer,
                OutputStride = Channels,
                U = Output(NumberArrays.Repeat(Start, Tokens * Channels)).Pointer,
                UStride = Channels,
                AccumulateU = AccumulateU,
                Delta = Output<float>(Tokens * Channels).Pointer,
                DeltaStride = Channels,
                B = Output<float>(Tokens * States).Pointer,
                BStride = States,
                C = Output<float>(Tokens * States).Pointer,
                CStride = States,
            },
            AGradient = Output(NumberArrays.Repeat(Start, Channels * States)).Pointer,
            DGradient = Output(NumberArrays.Repeat(Start, Channels)).Pointer,
        };
        SelectiveScan.Run(in call.Forward, 0, Channels);
        return kernel => kernel.Run(in call);
    }

    /// <summary>
    /// A matrix, given by its columns, with rows as columns; kernels take A as <c>[states, channels]</c>.
    /// </summary>
    private static T[] Transposed<T>(T[] values, int columns)
    {
        var transposed = new T[values.Length];
        for (int i = 0; i < values.Length; i++)
            transposed[(i % columns * (values.Length / columns)) + (i / columns)] = values[i];
        return transposed;
    }
}
