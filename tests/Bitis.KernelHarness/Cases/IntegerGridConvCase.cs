using Bitis.Graphs.Operators;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Convolution.Integer;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.KernelHarness.Cases;

/// <summary>The convolution over a grid in integers, whose input is one value or several side by side.</summary>
internal sealed unsafe record IntegerGridConvCase(
    KernelTable<Int8GemmKernel> Table, int Bits, int Height, int Width, int KernelSize, int Stride, int Padding,
    int[] Parts, int Outputs) : KernelCaseOfTable<Int8GemmKernel>(Table)
{
    private const int ZeroPoint = 93;
    private const float Scale = 0.02f;

    /// <summary>Where the places are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => $"convolution {KernelSize}×{KernelSize}";

    internal override string Size => $"{Height}×{Width}, {Channels}×{Outputs}";

    internal override double Work => (double)Places * Taps * Channels * Outputs;

    internal override bool IsProduct => true;

    private int Channels => Parts.Sum();

    private int Taps => KernelSize * KernelSize;

    private GridConv2d Layer => new(Channels, Outputs, Height, Width, KernelSize, Stride, Padding);

    private int Places => Layer.OutHeight * Layer.OutWidth;

    private sbyte[] W => Sample.NormalLevels(7, Outputs, Channels * Taps, Bits);

    private float[] Scales => Sample.Floats(8, Outputs, 0.001f, 0.1f);

    private float[] Bias => Sample.Floats(9, Outputs);

    internal override IReadOnlyList<Expectation> Expected()
    {
        byte[][] parts = [.. Parts.Select((_, part) => Levels(part))];
        int[] firsts = [.. Parts.Select((_, part) => Parts[..part].Sum())];
        sbyte[] w = W;
        float[] scales = Scales, bias = Bias, y = new float[Places * Outputs];
        for (int i = 0; i < y.Length; i++)
        {
            (int place, int o) = Math.DivRem(i, Outputs);
            int sum = 0;
            for (int k = 0; k < Channels * Taps; k++)
            {
                (int channel, int tap) = Math.DivRem(k, Taps);
                int part = Array.FindLastIndex(firsts, first => first <= channel);
                if (Layer.Source(place, tap) is { } token)
                {
                    int level = parts[part][(token * RowBytes(part)) + channel - firsts[part]];
                    sum += (level - ZeroPoint) * w[(o * Channels * Taps) + k];
                }
            }
            float product = sum * (Scale * scales[o]);
            y[i] = product + bias[o];
        }
        return [Expectation.Exact(y)];
    }

    private protected override Action<Int8GemmKernel> CreateRun()
    {
        var parts = Own(new NativeBuffer<LevelPart>(Parts.Length));
        for (int part = 0; part < Parts.Length; part++)
        {
            parts.Span[part] = new LevelPart
            {
                Source = Input<byte>(Levels(part)).Pointer,
                Stride = RowBytes(part),
            };
        }
        byte[] outside = new byte[PackedGridWeights.MaxLength];
        Array.Fill(outside, (byte)ZeroPoint);
        byte* around = Input<byte>(outside).Pointer;
        float* target = Output<float>(Places * Outputs).Pointer;
        var packed = new Dictionary<Int8GemmKernel, PackedGridWeights>();
        foreach (Int8GemmKernel kernel in Table.Runnable)
            packed[kernel] = Own(new PackedGridWeights(W, Scales, Bias, Parts, KernelSize, Bits, kernel));
        int[] cuts = [0, .. Cuts, Places];
        return kernel =>
        {
            var call = new IntegerGridConvCall
            {
                Height = Height,
                Width = Width,
                OutWidth = Layer.OutWidth,
                Stride = Stride,
                Padding = Padding,
                Parts = parts.Pointer,
                Outside = around,
                Weights = packed[kernel],
                Finish = new FinishSumsCall
                {
                    ZeroPoint = ZeroPoint,
                    Scale = Scale,
                    Values = target,
                    TargetStride = Outputs,
                },
            };
            for (int i = 1; i < cuts.Length; i++)
                IntegerGridConv.Run(in call, cuts[i - 1], cuts[i]);
        };
    }

    private int RowBytes(int part) => (Parts[part] + 3) / 4 * 4;

    private byte[] Levels(int part) => Sample.Bytes(part + 1, Height * Width * RowBytes(part));
}
