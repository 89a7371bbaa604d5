using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

/// <summary>The scan of one image, forward and in reverse, on arrays: <c>[tokens, channels]</c>, <c>[tokens, states]</c>, <c>[channels, states]</c>.</summary>
internal sealed unsafe record ScanGradientRun(int Tokens, int Channels, int States)
{
    public bool Reverse { get; init; }

    public bool DeltaSoftplus { get; init; } = true;

    public required float[] U { get; init; }

    public required float[] Delta { get; init; }

    public required float[] A { get; init; }

    public required float[] B { get; init; }

    public required float[] C { get; init; }

    public required float[] D { get; init; }

    public required float[] OutputGradient { get; init; }

    public bool AccumulateU { get; init; }

    /// <summary>What the sums hold before the run.</summary>
    public float Start { get; init; }

    /// <summary>The output, filled by <see cref="Run"/>.</summary>
    public float[] Y { get; } = new float[Tokens * Channels];

    /// <summary>The gradients of u, Δ, B, C, A and D.</summary>
    public float[][] Run(SelectiveScanGradientKernel kernel)
    {
        var packed = new float[A.Length];
        for (int i = 0; i < A.Length; i++)
            packed[(i % States * Channels) + (i / States)] = (float)(A[i] / Math.Log(2));
        int chunks = (Tokens + SelectiveScan.ChunkTokens - 1) / SelectiveScan.ChunkTokens;
        float[] uGradient = new float[U.Length], deltaGradient = new float[U.Length];
        float[] bGradient = new float[B.Length], cGradient = new float[B.Length];
        float[] aGradient = new float[A.Length], dGradient = new float[D.Length];
        foreach (float[] gradient in new[] { uGradient, aGradient, dGradient })
            Array.Fill(gradient, Start);
        using var checkpoints = new GuardedBuffer<float>(chunks * States * Channels);
        using var scratch = new GuardedBuffer<float>(SelectiveScanGradient.ScratchLength(Channels, States));
        fixed (float* u = U, delta = Delta, b = B, c = C, a = packed, d = D, y = Y, output = OutputGradient)
        fixed (float* ug = uGradient, dg = deltaGradient, bg = bGradient, cg = cGradient, ag = aGradient, sg = dGradient)
        {
            var call = new SelectiveScanGradientCall
            {
                Forward = new SelectiveScanCall
                {
                    Tokens = Tokens,
                    States = States,
                    Reverse = Reverse,
                    U = u,
                    UStride = Channels,
                    Delta = delta,
                    DeltaStride = Channels,
                    DeltaSoftplus = DeltaSoftplus,
                    A = a,
                    AStride = Channels,
                    B = b,
                    BStride = States,
                    C = c,
                    CStride = States,
                    D = d,
                    Y = y,
                    YStride = Channels,
                    OutputScale = 1,
                    Checkpoints = checkpoints.Pointer,
                },
                Gradients = new ScanGradients
                {
                    Output = output,
                    OutputStride = Channels,
                    U = ug,
                    UStride = Channels,
                    AccumulateU = AccumulateU,
                    Delta = dg,
                    DeltaStride = Channels,
                    B = bg,
                    BStride = States,
                    C = cg,
                    CStride = States,
                },
                AGradient = ag,
                DGradient = sg,
            };
            SelectiveScan.Run(in call.Forward, 0, Channels);
            kernel.Run(in call, Channels, scratch.Pointer);
        }
        var aByChannel = new float[A.Length];
        for (int i = 0; i < A.Length; i++)
            aByChannel[i] = aGradient[(i % States * Channels) + (i / States)];
        return [uGradient, deltaGradient, bGradient, cGradient, aByChannel, dGradient];
    }
}
