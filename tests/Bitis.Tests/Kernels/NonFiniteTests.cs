using Bitis.Kernels.Activations;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Normalization;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Kernels;

/// <summary>
/// NaN, infinities and extremes in every kernel: no form fails, levels are the same bits in all of them, and so are
/// float32 results, but that NaN is any NaN. Where forms add up in another order, results are finite, infinite or NaN
/// in all of them alike.
/// </summary>
public sealed unsafe class NonFiniteTests
{
    private const int Rows = 9, Columns = 37;

    /// <summary>What each operation does to spoiled operands, by its name.</summary>
    private static readonly Dictionary<string, Action> Cases = new([
        Case(FloatGemm.Table, RunGemm),
        Case(Int8Gemm.Table, kernel => RunIntegerGemm(kernel, bits: 8)),
        Case(Int8Gemm.NibbleTable, kernel => RunIntegerGemm(kernel, bits: 4)),
        Case(Quantize.Table, RunQuantize),
        Case(Dequantize.Table, RunDequantize),
        Case(QuantizedMap.Table, RunQuantizedMap),
        Case(CenterLevels.Table, RunCenterLevels),
        Case(HadamardRows.Table, RunHadamardRows),
        Case(TokenHadamard.Table, RunTokenHadamard),
        Case(PackLevels.Table, RunPackLevels),
        Case(SelectiveScan.Table, RunScan),
        Case(SelectiveScanGradient.Table, RunScanGradient, isOrdered: false),
        Case(IntegerScan.Table, kernel => [ScanCase.Run(kernel, accumulate: false, 0, ScanCase.Channels)]),
        Case(IntegerScanGradient.Table, kernel => IntegerScanGradientTests.Run(kernel, ScanCase, accumulateU: false), isOrdered: false),
        Case(CausalConv.Table, RunCausalConv),
        Case(CausalConvGradient.Table, RunCausalConvGradient, isOrdered: false),
        Case(DepthwiseConv.Table, RunDepthwiseConv),
        Case(RowNorm.Table, RunRowNorm, isOrdered: false),
        Case(RowNormGradient.Table, RunRowNormGradient, isOrdered: false),
        Case(MeanOfRowNorms.Table, RunMeanOfRowNorms, isOrdered: false),
        Case(GroupNormalization.Table, RunGroupNormalization),
        Case(GroupNormalizationGradient.Table, RunGroupNormalizationGradient),
        Case(Gate.Table, RunGate),
        Case(Elementwise.Exp, RunElementwise),
        Case(Elementwise.Silu, RunElementwise),
        Case(Elementwise.Softplus, RunElementwise),
        Case(Elementwise.Gelu, RunElementwise),
        Case(Elementwise.Sigmoid, RunElementwise),
        Case(Elementwise.Relu, RunElementwise),
        Case(PositiveMask.Table, RunPositiveMask),
    ]);

    public static TheoryData<string> Operations => [.. Cases.Keys];

    private static IntegerScanCase ScanCase => new(20, Columns, 5, 8, 3, HasFineScales: true, Reverse: false) { IsSpoiled = true };

    private static float[] X => Sample.Spoiled(Sample.Floats(1, Rows * Columns));

    private static float[] Weights => Sample.Floats(2, Columns, 0.5f, 2f);

    private static float[] Biases => Sample.Floats(3, Columns);

    private static float[] OutputGradient => Sample.Floats(4, Rows * Columns);

    [Theory]
    [MemberData(nameof(Operations))]
    public void All_forms_do_the_same_with_what_is_not_finite(string operation) => Cases[operation]();

    [Fact]
    public void Every_operation_is_fed() =>
        Assert.Equal(KernelTables.All.Select(kernel => kernel.Operation).Distinct().Order(), Cases.Keys.Order());

    [Fact]
    public void Nan_is_the_lowest_level_and_infinities_are_those_at_the_ends()
    {
        UniformQuantizer signed = UniformQuantizer.Symmetric(4, Granularity.PerTensor, [1]);
        UniformQuantizer unsigned = UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [1], [100]);
        DeltaQuantizer delta = DeltaQuantizer.BeforeSoftplus(4, 1, -5);
        float[] special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];
        Assert.Equal([-7, 7, -7], special.Select(value => signed.Quantize(value, 0)));
        Assert.Equal([0, 255, 0], special.Select(value => unsigned.Quantize(value, 0)));
        Assert.Equal([0, 15, 0], special.Select(delta.Quantize));
        float[] values = [.. Sample.Extremes, .. Sample.Extremes], levels = new float[values.Length];
        foreach (UniformQuantizer quantizer in (UniformQuantizer[])[signed, unsigned])
        {
            quantizer.CenteredLevels(values, 0, levels);
            Assert.Equal(values.Select(value => (float)quantizer.Quantize(value, 0) - quantizer.ZeroPoints[0]), levels);
        }
        Assert.Equal(-Levels.LargestPower, Levels.RoundToPower(float.NaN, 1, 2));
        Assert.Equal(Levels.LargestPower, Levels.RoundToPower(float.PositiveInfinity, 1, 2));
        Assert.Equal(-Levels.LargestPower, Levels.RoundToPower(float.NegativeInfinity, 1, 2));
    }

    private static KeyValuePair<string, Action> Case<TKernel>(
        KernelTable<TKernel> table, Func<TKernel, Array[]> run, bool isOrdered = true)
        where TKernel : Kernel => new(table.Rows[0].Operation, () =>
        {
            TKernel[] forms = [.. table.Runnable];
            Array[] expected = run(forms[^1]);
            foreach (TKernel form in forms[..^1])
            {
                Array[] actual = run(form);
                for (int i = 0; i < expected.Length; i++)
                    AssertSame(expected[i], actual[i], isOrdered, $"{form}, result {i}");
            }
        });

    private static void AssertSame(Array expected, Array actual, bool isOrdered, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            (object a, object b) = (expected.GetValue(i)!, actual.GetValue(i)!);
            bool isSame = a is float x && b is float y ? AreSame(x, y, isOrdered) : a.Equals(b);
            Assert.True(isSame, $"{what} at {i}: {b}, not {a}");
        }
    }

    private static bool AreSame(float x, float y, bool isOrdered) => isOrdered
        ? BitConverter.SingleToInt32Bits(x) == BitConverter.SingleToInt32Bits(y) || (float.IsNaN(x) && float.IsNaN(y))
        : float.IsFinite(x) ? float.IsFinite(y) : x.Equals(y);

    /// <summary>Spoiled, but by nothing whose sums are finite in one order only.</summary>
    private static float[] Unordered(float[] values) =>
        [.. Sample.Spoiled(values).Select(value => Math.Abs(value) == float.MaxValue ? value / 1e8f : value)];

    private static Array[] RunGemm(FloatGemmKernel kernel)
    {
        const int Outputs = 21;
        float[] w = Sample.Floats(5, Outputs * Columns);
        w[3] = float.PositiveInfinity;
        w[50] = float.NaN;
        using var weights = new PackedFloatWeights(w, Sample.Spoiled(Sample.Floats(6, Outputs)), Outputs, Columns, kernel);
        using GuardedBuffer<float> x = new(X), y = new(Rows * Outputs), sums = new(Outputs * Columns), scratch = new(Rows * kernel.Columns);
        using var gradient = new GuardedBuffer<float>(Sample.Spoiled(Sample.Floats(7, Rows * Outputs)));
        FloatGemm.Run(weights, x.Pointer, Columns, y.Pointer, Outputs, 0, Rows, accumulate: false);
        kernel.AddTransposed(gradient.Pointer, Outputs, x.Pointer, Columns, Rows, Outputs, Columns, sums.Pointer, scratch.Pointer);
        return [y.Span.ToArray(), sums.Span.ToArray()];
    }

    /// <summary>Levels are bytes; what may be spoiled are scales and bias.</summary>
    private static Array[] RunIntegerGemm(Int8GemmKernel kernel, int bits)
    {
        const int Outputs = 45, Inputs = 36;
        sbyte[] w = [.. Sample.Bytes(1, Outputs * Inputs).Select(value => (sbyte)((sbyte)value >> (8 - bits)))];
        using var weights = new PackedIntegerWeights(
            w, Sample.Spoiled(Sample.Floats(2, Outputs)), Sample.Spoiled(Sample.Floats(3, Outputs)), Outputs, Inputs, bits, kernel);
        using var x = new GuardedBuffer<byte>(Sample.Bytes(4, Rows * Inputs));
        using GuardedBuffer<float> y = new(Rows * Outputs), scales = new(Sample.Spoiled(Sample.Floats(5, Rows)));
        using var zeros = new GuardedBuffer<int>([.. Enumerable.Range(120, Rows)]);
        var grids = new TokenGrids(scales.Pointer, zeros.Pointer, stride: 1);
        Int8Gemm.Run(weights, x.Pointer, Inputs, in grids, y.Pointer, Outputs, 0, Rows, accumulate: false);
        return [y.Span.ToArray()];
    }

    private static Array[] RunQuantize(QuantizeKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), factors = new(Weights), inverses = new([1f, 1e-30f, 1e30f, 1f, 2f, 1f, 1f, 100f, 1f]);
        using GuardedBuffer<int> zeros = new([0, 3, 255, 7, 0, 1, 2, 3, 128]);
        using GuardedBuffer<byte> target = new(Rows * Columns), scaled = new(Rows * Columns);
        var call = new QuantizeCall
        {
            Source = x.Pointer,
            SourceStride = Columns,
            Target = target.Pointer,
            TargetStride = Columns,
            Columns = Columns,
            InverseScales = inverses.Pointer,
            ZeroPoints = zeros.Pointer,
            GridStride = 1,
            MaxValue = 255,
        };
        kernel.Run(in call, 0, Rows);
        call.Target = scaled.Pointer;
        call.ColumnFactors = factors.Pointer;
        kernel.Run(in call, 0, Rows);
        return [target.Span.ToArray(), scaled.Span.ToArray()];
    }

    private static Array[] RunDequantize(RangeKernel<DequantizeCall> kernel)
    {
        byte[] levels = [.. Enumerable.Range(0, Rows * Columns).Select(i => (byte)(37 * i))];
        int[] zeros = [.. Enumerable.Range(0, Rows).Select(row => 31 * row)];
        using GuardedBuffer<byte> source = new(levels);
        using GuardedBuffer<int> zeroPoints = new(zeros);
        using GuardedBuffer<float> scales = new(Sample.Spoiled(Sample.Floats(5, Rows))), target = new(levels.Length);
        var call = new DequantizeCall
        {
            Source = source.Pointer,
            SourceStride = Columns,
            Target = target.Pointer,
            TargetStride = Columns,
            Columns = Columns,
            Scales = scales.Pointer,
            ZeroPoints = zeroPoints.Pointer,
        };
        kernel.Run(in call, 0, 4);
        kernel.Run(in call, 4, Rows);
        for (int i = 0; i < levels.Length; i++)
            Assert.Equal(scales.Span[i / Columns] * (levels[i] - zeros[i / Columns]), target.Span[i]);
        return [target.Span.ToArray()];
    }

    private static Array[] RunQuantizedMap(QuantizedMapKernel kernel)
    {
        List<Array> results = [];
        foreach (float[] values in (float[][])[X, Sample.Floats(6, Rows * Columns), [.. X.Where(float.IsFinite)]])
        {
            foreach (int bits in (int[])[8, 4])
            {
                int bytes = bits == 8 ? values.Length : (values.Length + 1) / 2;
                using GuardedBuffer<float> source = new(values), target = new(values.Length);
                using GuardedBuffer<byte> map = new(sizeof(float) + bytes);
                kernel.Write(source.Pointer, values.Length, bits, map.Pointer);
                kernel.Read(map.Pointer, values.Length, bits, target.Pointer);
                results.Add(map.Span.ToArray());
                results.Add(target.Span.ToArray());
            }
        }
        return [.. results];
    }

    private static Array[] RunCenterLevels(CenterLevelsKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), inverses = new(Weights), target = new(Rows * Columns);
        using GuardedBuffer<float> low = new(Sample.Levels(1, Columns, -255, 0)), high = new(Sample.Levels(2, Columns, 0, 255));
        var call = new CenterLevelsCall
        {
            Source = x.Pointer,
            SourceStride = Columns,
            Target = target.Pointer,
            TargetStride = Columns,
            Columns = Columns,
            InverseScales = inverses.Pointer,
            Lowest = low.Pointer,
            Highest = high.Pointer,
        };
        kernel.Run(in call, 0, Rows);
        for (int i = 0; i < target.Length; i++)
            Assert.InRange(target.Span[i], low.Span[i % Columns], high.Span[i % Columns]);
        return [target.Span.ToArray()];
    }

    private static Array[] RunHadamardRows(HadamardRowsKernel kernel)
    {
        var results = new List<Array>();
        int padded = HadamardRows.Padded(Columns);
        foreach (LevelRounding rounding in Enum.GetValues<LevelRounding>())
        {
            foreach (bool transforms in (bool[])[false, true])
            {
                using GuardedBuffer<float> x = new(X), transformed = new(Rows * padded), largest = new(Rows);
                using GuardedBuffer<float> given = new([1f, float.NaN, float.PositiveInfinity, 1e-20f, 0f, 1e30f, float.MaxValue, 2f, 1e-38f]);
                using GuardedBuffer<byte> target = new(Rows * padded);
                int maxLevel = rounding == LevelRounding.Logarithmic ? 64 : 7;
                var call = new HadamardRowsCall
                {
                    Source = x.Pointer,
                    SourceStride = Columns,
                    Columns = Columns,
                    Transforms = transforms,
                    Target = target.Pointer,
                    TargetStride = padded,
                    MaxLevel = maxLevel,
                    Rounding = rounding,
                    Key = 77,
                    Transformed = transformed.Pointer,
                    TransformedStride = padded,
                };
                kernel.Run(in call, Rows, largest.Pointer);
                results.AddRange([target.Span.ToArray(), largest.Span.ToArray(), transformed.Span.ToArray()]);
                kernel.Quantize(in call, Rows, given.Pointer);
                results.Add(target.Span.ToArray());
                foreach (byte level in target.Span)
                    Assert.InRange(level, HadamardRows.ZeroPoint - maxLevel, HadamardRows.ZeroPoint + maxLevel);
            }
        }
        return [.. results];
    }

    private static Array[] RunTokenHadamard(TokenHadamardKernel kernel)
    {
        var results = new List<Array>();
        int[] blocks = [0, 8, 1, 7, 2, 6, -1, 5, 4, 3, 0, 1, 2, 3, 4, -1], singles = [8, -1, 3, 4, 5];
        byte[] kept = [0, 3, 8, 15];
        foreach (bool transforms in (bool[])[false, true])
        {
            using GuardedBuffer<float> x = new(X), target = new((kept.Length + singles.Length) * Columns);
            using GuardedBuffer<float> maxima = new(Columns), alone = new(Columns);
            fixed (int* rows = blocks, single = singles)
            fixed (byte* keptRows = kept)
            {
                var call = new TokenHadamardCall
                {
                    Source = x.Pointer,
                    SourceStride = Columns,
                    Columns = Columns,
                    BlockRows = rows,
                    Blocks = 1,
                    Transforms = transforms,
                    Kept = keptRows,
                    Rank = kept.Length,
                    Factor = 0.25f,
                    SingleRows = single,
                    Singles = singles.Length,
                    Target = target.Pointer,
                    TargetStride = Columns,
                    Maxima = maxima.Pointer,
                };
                kernel.Run(in call);
                call.Blocks = 0;
                call.Target = null;
                call.Maxima = alone.Pointer;
                kernel.Run(in call);
            }
            results.AddRange([target.Span.ToArray(), maxima.Span.ToArray(), alone.Span.ToArray()]);
        }
        return [.. results];
    }

    private static Array[] RunPackLevels(PackLevelsKernel kernel)
    {
        var results = new List<Array>();
        const int Groups = 3, Padded = 48;
        foreach (LevelRounding rounding in Enum.GetValues<LevelRounding>())
        {
            float[] inverse = [.. Enumerable.Range(0, Columns).Select(i => i % 5 == 0 ? 0f : i % 7 == 0 ? 1e30f : 7f)];
            using GuardedBuffer<float> x = new(X), inverses = new(inverse);
            using GuardedBuffer<byte> target = new(Groups * 4 * Padded);
            using GuardedBuffer<int> sums = new(Columns);
            var call = new PackLevelsCall
            {
                Source = x.Pointer,
                SourceStride = Columns,
                Rows = Rows,
                Columns = Columns,
                Groups = Groups,
                Target = target.Pointer,
                PanelColumns = 32,
                PaddedColumns = Padded,
                InverseScales = inverses.Pointer,
                MaxLevel = rounding == LevelRounding.Logarithmic ? 64 : 7,
                Rounding = rounding,
                Key = 9,
                ZeroPoint = 0,
                ColumnSums = sums.Pointer,
            };
            kernel.Run(in call);
            results.AddRange([target.Span.ToArray(), sums.Span.ToArray()]);
        }
        return [.. results];
    }

    private static Array[] RunScan(SelectiveScanKernel kernel)
    {
        const int States = 5;
        using GuardedBuffer<float> u = new(X), delta = new(Sample.Spoiled(Sample.Floats(2, Rows * Columns, -6, 1))), y = new(Rows * Columns);
        using GuardedBuffer<float> a = new(Sample.Floats(3, States * Columns, -16, -0.1f)), b = new(Sample.Spoiled(Sample.Floats(4, Rows * States)));
        using GuardedBuffer<float> c = new(Sample.Spoiled(Sample.Floats(5, Rows * States))), d = new(Weights);
        using GuardedBuffer<float> z = new(Sample.Spoiled(Sample.Floats(6, Rows * Columns)));
        a.Span[3] = float.NegativeInfinity;
        a.Span[7] = float.MinValue;
        var call = new SelectiveScanCall
        {
            Tokens = Rows,
            States = States,
            U = u.Pointer,
            UStride = Columns,
            Delta = delta.Pointer,
            DeltaStride = Columns,
            DeltaSoftplus = true,
            A = a.Pointer,
            AStride = Columns,
            B = b.Pointer,
            BStride = States,
            C = c.Pointer,
            CStride = States,
            D = d.Pointer,
            Z = z.Pointer,
            ZStride = Columns,
            Y = y.Pointer,
            YStride = Columns,
            OutputScale = 1,
        };
        kernel.Run(in call, 0, Columns);
        float[] exact = y.Span.ToArray();
        call.CubicDecay = true;
        kernel.Run(in call, 0, Columns);
        return [exact, y.Span.ToArray()];
    }

    private static Array[] RunScanGradient(SelectiveScanGradientKernel kernel) => new ScanGradientRun(Rows, Columns, 5)
    {
        U = Unordered(Sample.Floats(1, Rows * Columns)),
        Delta = Unordered(Sample.Floats(2, Rows * Columns, -6, 1)),
        A = Sample.Floats(3, Columns * 5, -16, -0.1f),
        B = Unordered(Sample.Floats(4, Rows * 5)),
        C = Sample.Floats(5, Rows * 5),
        D = Weights,
        OutputGradient = OutputGradient,
    }.Run(kernel);

    private static Array[] RunCausalConv(CausalConvKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), w = new(Sample.Floats(2, 4 * Columns)), b = new(Biases), y = new(Rows * Columns);
        var call = new CausalConvCall
        {
            Tokens = Rows,
            Taps = 4,
            Source = x.Pointer,
            SourceStride = Columns,
            Weights = w.Pointer,
            WeightStride = Columns,
            Bias = b.Pointer,
            Target = y.Pointer,
            TargetStride = Columns,
        };
        kernel.Run(in call, 0, Columns);
        return [y.Span.ToArray()];
    }

    private static Array[] RunCausalConvGradient(CausalConvGradientKernel kernel)
    {
        using GuardedBuffer<float> x = new(Unordered(Sample.Floats(1, Rows * Columns))), w = new(Sample.Floats(2, 4 * Columns));
        using GuardedBuffer<float> b = new(Biases), g = new(OutputGradient), sums = new(Rows * Columns);
        using GuardedBuffer<float> xGradient = new(Rows * Columns), wGradient = new(4 * Columns), bGradient = new(Columns);
        var call = new CausalConvGradientCall
        {
            Forward = new CausalConvCall
            {
                Tokens = Rows,
                Taps = 4,
                Source = x.Pointer,
                SourceStride = Columns,
                Weights = w.Pointer,
                WeightStride = Columns,
                Bias = b.Pointer,
            },
            Gradients = Gradients(g, xGradient, wGradient, bGradient),
            Sums = sums.Pointer,
        };
        kernel.Run(in call, Columns);
        return [xGradient.Span.ToArray(), wGradient.Span.ToArray(), bGradient.Span.ToArray()];
    }

    private static Array[] RunDepthwiseConv(DepthwiseConvKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), w = new(Sample.Floats(2, 9 * Columns)), b = new(Biases);
        using GuardedBuffer<float> y = new(Rows * Columns), g = new(OutputGradient);
        using GuardedBuffer<float> xGradient = new(Rows * Columns), wGradient = new(9 * Columns), bGradient = new(Columns);
        using var scratch = new GuardedBuffer<float>(DepthwiseConvGradient.ScratchLength(Rows));
        var call = new DepthwiseConvCall
        {
            Height = 3,
            Width = Rows / 3,
            Kernel = 3,
            Source = x.Pointer,
            SourceStride = Columns,
            Weights = w.Pointer,
            WeightStride = Columns,
            Bias = b.Pointer,
            Target = y.Pointer,
            TargetStride = Columns,
        };
        kernel.Run(in call, 0, Columns);
        var reverse = new DepthwiseConvGradientCall
        {
            Forward = call,
            Gradients = Gradients(g, xGradient, wGradient, bGradient),
            Scratch = scratch.Pointer,
        };
        kernel.Backward(in reverse, Columns);
        return [y.Span.ToArray(), xGradient.Span.ToArray(), wGradient.Span.ToArray(), bGradient.Span.ToArray()];
    }

    private static Array[] RunRowNorm(RowNormKernel kernel)
    {
        using GuardedBuffer<float> x = new(Unordered(Sample.Floats(1, Rows * Columns))), w = new(Weights), b = new(Biases);
        using GuardedBuffer<float> residual = new(Rows * Columns), y = new(Rows * Columns);
        RowNormCall call = Norm(x, w, b);
        call.Residual = residual.Pointer;
        call.ResidualStride = Columns;
        call.Target = y.Pointer;
        call.TargetStride = Columns;
        kernel.Run(in call, 0, Rows);
        return [y.Span.ToArray(), residual.Span.ToArray()];
    }

    private static Array[] RunRowNormGradient(RowNormGradientKernel kernel)
    {
        using GuardedBuffer<float> x = new(Unordered(Sample.Floats(1, Rows * Columns))), w = new(Weights), b = new(Biases), g = new(OutputGradient);
        using GuardedBuffer<float> xGradient = new(Rows * Columns), wGradient = new(Columns), bGradient = new(Columns);
        var call = new RowNormGradientCall { Forward = Norm(x, w, b), Gradients = Gradients(g, xGradient, wGradient, bGradient) };
        kernel.Run(in call, Rows);
        return [xGradient.Span.ToArray(), wGradient.Span.ToArray(), bGradient.Span.ToArray()];
    }

    private static RowNormCall Norm(GuardedBuffer<float> x, GuardedBuffer<float> w, GuardedBuffer<float> b) => new()
    {
        Columns = Columns,
        Source = x.Pointer,
        SourceStride = Columns,
        Weight = w.Pointer,
        Bias = b.Pointer,
        Epsilon = 1e-5f,
        Center = true,
    };

    private static Array[] RunMeanOfRowNorms(MeanOfRowNormsKernel kernel)
    {
        using GuardedBuffer<float> x = new(Unordered(Sample.Floats(1, Rows * Columns))), w = new(Weights), b = new(Biases), mean = new(Columns);
        var call = new MeanOfRowNormsCall
        {
            Rows = Rows,
            Columns = Columns,
            Source = x.Pointer,
            SourceStride = Columns,
            Weight = w.Pointer,
            Bias = b.Pointer,
            Epsilon = 1e-5f,
            Mean = mean.Pointer,
        };
        kernel.Run(in call);
        return [mean.Span.ToArray()];
    }

    private static Array[] RunGroupNormalization(GroupNormalizationKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), w = new(Weights), b = new(Biases), y = new(Rows * Columns), statistics = new(2 * Columns);
        GroupNormalizationCall call = GroupNorm(x, w, b, y, statistics);
        kernel.Run(in call);
        return [y.Span.ToArray(), statistics.Span.ToArray()];
    }

    private static Array[] RunGroupNormalizationGradient(GroupNormalizationGradientKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), w = new(Weights), b = new(Biases), y = new(Rows * Columns);
        using GuardedBuffer<float> statistics = new(2 * Columns), g = new(OutputGradient);
        using GuardedBuffer<float> xGradient = new(Rows * Columns), wGradient = new(Columns), bGradient = new(Columns), sums = new(2 * Columns);
        var call = new GroupNormalizationGradientCall
        {
            Forward = GroupNorm(x, w, b, y, statistics),
            Gradients = Gradients(g, xGradient, wGradient, bGradient),
            Sums = sums.Pointer,
        };
        GroupNormalization.Run(in call.Forward);
        kernel.Run(in call);
        return [xGradient.Span.ToArray(), wGradient.Span.ToArray(), bGradient.Span.ToArray()];
    }

    private static GroupNormalizationCall GroupNorm(
        GuardedBuffer<float> x, GuardedBuffer<float> w, GuardedBuffer<float> b, GuardedBuffer<float> y, GuardedBuffer<float> statistics) => new()
        {
            Rows = Rows,
            Columns = Columns,
            Groups = Columns,
            Source = x.Pointer,
            SourceStride = Columns,
            Target = y.Pointer,
            TargetStride = Columns,
            Weight = w.Pointer,
            Bias = b.Pointer,
            Epsilon = 1e-5f,
            Statistics = statistics.Pointer,
        };

    private static LayerGradients Gradients(GuardedBuffer<float> y, GuardedBuffer<float> x, GuardedBuffer<float> w, GuardedBuffer<float> b) => new()
    {
        Output = y.Pointer,
        OutputStride = Columns,
        Source = x.Pointer,
        SourceStride = Columns,
        Weight = w.Pointer,
        Bias = b.Pointer,
    };

    private static Array[] RunGate(GateKernel kernel)
    {
        float[] other = [.. X.Reverse()];
        using GuardedBuffer<float> x = new(X), z = new(other), y = new(x.Length), g = new(Sample.Floats(3, x.Length));
        using GuardedBuffer<float> xGradient = new(x.Length), zGradient = new(x.Length);
        kernel.Forward(x.Pointer, z.Pointer, 0.5f, y.Pointer, x.Length);
        kernel.Backward(x.Pointer, z.Pointer, g.Pointer, xGradient.Pointer, zGradient.Pointer, x.Length);
        return [y.Span.ToArray(), xGradient.Span.ToArray(), zGradient.Span.ToArray()];
    }

    private static Array[] RunElementwise(ElementwiseKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), y = new(x.Length), g = new([.. X.Reverse()]), xGradient = new(x.Length);
        kernel.Run(x.Pointer, y.Pointer, x.Length);
        kernel.Backward(x.Pointer, g.Pointer, xGradient.Pointer, x.Length);
        return [y.Span.ToArray(), xGradient.Span.ToArray()];
    }

    private static Array[] RunPositiveMask(PositiveMaskKernel kernel)
    {
        using GuardedBuffer<float> x = new(X), g = new([.. X.Reverse()]), target = new(x.Length);
        using GuardedBuffer<ushort> mask = new(PositiveMask.Words(x.Length));
        kernel.Write(x.Pointer, mask.Pointer, x.Length);
        kernel.Apply(g.Pointer, mask.Pointer, target.Pointer, x.Length, true);
        return [mask.Span.ToArray(), target.Span.ToArray()];
    }
}
