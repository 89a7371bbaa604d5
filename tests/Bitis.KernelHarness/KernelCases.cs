using Bitis.KernelHarness.Cases;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness;

/// <summary>Cases of all operations. A table without a case here fails a test.</summary>
internal static class KernelCases
{
    /// <summary>The outputs and inputs of linear layers: those of Vim-Tiny, then of Vim-Small.</summary>
    private static readonly (int Outputs, int Inputs)[] Layers =
        [(768, 192), (192, 384), (44, 384), (384, 12), (768, 384), (1536, 384), (384, 768)];

    private static readonly (KernelTable<Int8GemmKernel> Table, int Bits)[] IntegerProducts =
        [(Int8Gemm.Table, 8), (Int8Gemm.PairTable, Int8Gemm.PairBits), (Int8Gemm.NibbleTable, Int8Gemm.NibbleBits)];

    /// <summary>Each operation in all its variants.</summary>
    /// <param name="size">The size of the operands.</param>
    /// <param name="hasExtremes">Whether NaN, infinities and the largest numbers are among the operands.</param>
    public static IReadOnlyList<KernelCase> All(KernelSize size, bool hasExtremes = false) =>
    [
        .. Products(size.Tokens, size.Channels, size.Inputs, hasExtremes),
        .. Scans(size, hasExtremes),
        .. Convolutions(size, hasExtremes),
        .. Norms(size.Tokens, size.Channels, hasExtremes),
        .. Activations(size.Tokens * size.Channels, hasExtremes),
        .. Rounding(size.Tokens, size.Channels, hasExtremes),
    ];

    /// <summary>
    /// What benchmarks measure: a block of Vim-Tiny, the scan of VMamba, and the layers of two models.
    /// </summary>
    public static IReadOnlyList<KernelCase> OfModels()
    {
        KernelSize vim = KernelSize.VimTiny, vmamba = vim with { States = 1 };
        return
        [
            .. Layers.SelectMany(layer => Products(vim.Tokens, layer.Outputs, layer.Inputs, hasExtremes: false)),
            .. All(vim).Where(data => !data.IsProduct),
            .. Scans(vmamba, hasExtremes: false),
        ];
    }

    private static IEnumerable<KernelCase> Products(int tokens, int outputs, int inputs, bool hasExtremes) =>
    [
        new FloatGemmCase(tokens, outputs, inputs) { HasExtremes = hasExtremes },
        new FloatGemmTransposedCase(tokens, outputs, inputs) { HasExtremes = hasExtremes },
        new FloatGemmTransposedCase(tokens, outputs, inputs) { HasRows = true, HasExtremes = hasExtremes },
        .. IntegerProducts.Select(product =>
            new IntegerGemmCase(product.Table, tokens, outputs, inputs, product.Bits)
            {
                HasNormalWeights = true,
                HasExtremes = hasExtremes,
            }),
    ];

    private static IEnumerable<KernelCase> Scans(KernelSize size, bool hasExtremes)
    {
        var scan = new SelectiveScanCase(size.Tokens, size.Channels, size.States)
        {
            Softplus = true,
            HasGate = true,
            HasSkip = true,
            HasExtremes = hasExtremes,
        };
        var integerScan = new IntegerScanCase(size.Tokens, size.Channels, size.States, Bits: 8, Groups: 3)
        {
            HasFineScales = true,
            HasExtremes = hasExtremes,
        };
        var scanGradient = new SelectiveScanGradientCase(size.Tokens, size.Channels, size.States)
        {
            HasExtremes = hasExtremes,
        };
        return
        [
            scan,
            scanGradient,
            scanGradient with { CheckpointTokens = 32 },
            integerScan,
            new IntegerScanGradientCase(integerScan) { HasExtremes = hasExtremes },
        ];
    }

    private static IEnumerable<KernelCase> Convolutions(KernelSize size, bool hasExtremes)
    {
        var causal = new CausalConvCase(size.Tokens, size.Channels, size.Taps) { HasExtremes = hasExtremes };
        // As many tokens in a grid as it has whole rows of.
        int width = (int)Math.Sqrt(size.Tokens), height = size.Tokens / width;
        var depthwise = new DepthwiseConvCase(height, width, KernelSize: 3, size.Channels)
        {
            HasExtremes = hasExtremes,
        };
        return
        [
            causal,
            causal with { IsInteger = true },
            new CausalConvGradientCase(size.Tokens, size.Channels, size.Taps) { HasExtremes = hasExtremes },
            depthwise,
            depthwise with { IsInteger = true },
            new DepthwiseConvGradientCase(height, width, KernelSize: 3, size.Channels) { HasExtremes = hasExtremes },
            .. Grids(height, width, size.Channels, hasExtremes),
        ];
    }

    private static IEnumerable<KernelCase> Grids(int height, int width, int channels, bool hasExtremes)
    {
        var convolution = new GridConvCase(
            height, width, KernelSize: 3, Stride: 1, Padding: 1, channels / 2, channels - (channels / 2), channels)
        {
            HasExtremes = hasExtremes,
        };
        var resize = new BilinearResizeCase(height, width, 2 * height, 2 * width, channels)
        {
            HasExtremes = hasExtremes,
        };
        return
        [
            convolution,
            convolution with { Rectify = true },
            .. IntegerProducts.Select(product => new IntegerGridConvCase(
                product.Table, product.Bits, height, width, KernelSize: 3, Stride: 1, Padding: 1, [channels], channels)
            {
                HasExtremes = hasExtremes,
            }),
            resize,
            resize with { Accumulate = true },
            new AveragePoolCase(height, width, Bins: 2, channels) { HasExtremes = hasExtremes },
            new BilinearResizeGradientCase(height, width, 2 * height, 2 * width, channels)
            {
                HasExtremes = hasExtremes,
            },
            new AveragePoolGradientCase(height, width, Bins: 2, channels) { HasExtremes = hasExtremes },
        ];
    }

    private static IEnumerable<KernelCase> Norms(int tokens, int channels, bool hasExtremes) =>
    [
        new RowNormCase(tokens, channels)
        {
            HasResidual = true,
            HasBias = true,
            Center = true,
            HasExtremes = hasExtremes,
        },
        new RowNormGradientCase(tokens, channels) { Center = true, HasExtremes = hasExtremes },
        new MeanOfRowNormsCase(tokens, channels) { HasExtremes = hasExtremes },
        new GroupNormalizationCase(tokens, channels, Groups: channels) { HasExtremes = hasExtremes },
        new GroupNormalizationGradientCase(tokens, channels, Groups: channels) { HasExtremes = hasExtremes },
    ];

    private static IEnumerable<KernelCase> Activations(int count, bool hasExtremes)
    {
        KernelTable<ElementwiseKernel>[] tables =
        [
            Elementwise.Exp,
            Elementwise.Silu,
            Elementwise.Softplus,
            Elementwise.Gelu,
            Elementwise.Sigmoid,
            Elementwise.Relu,
        ];
        return
        [
            new GateCase(count) { HasExtremes = hasExtremes },
            new GateGradientCase(count) { HasExtremes = hasExtremes },
            .. tables.Select(table => new ElementwiseCase(table, count) { HasExtremes = hasExtremes }),
            .. tables.Select(table => new ElementwiseGradientCase(table, count) { HasExtremes = hasExtremes }),
            new PositiveMaskCase(count) { HasExtremes = hasExtremes },
        ];
    }

    private static IEnumerable<KernelCase> Rounding(int tokens, int channels, bool hasExtremes)
    {
        LevelRounding[] roundings = Enum.GetValues<LevelRounding>();
        var quantize = new QuantizeCase(tokens, channels) { HasExtremes = hasExtremes };
        var rows = new HadamardRowsCase(tokens, channels) { HasExtremes = hasExtremes };
        var tokenBlocks = new TokenHadamardCase(tokens, channels) { HasExtremes = hasExtremes };
        var panels = new PackLevelsCase(tokens, channels) { HasExtremes = hasExtremes };
        return
        [
            quantize,
            quantize with { HasFactors = true },
            new DequantizeCase(tokens, channels) { HasExtremes = hasExtremes },
            new FinishSumsCase(tokens, channels) { HasExtremes = hasExtremes },
            new FinishSumsCase(tokens, channels) { Rectify = true, ToLevels = true, HasExtremes = hasExtremes },
            new QuantizedMapCase(tokens * channels, Bits: 8) { HasExtremes = hasExtremes },
            new QuantizedMapCase(tokens * channels, Bits: 4) { HasExtremes = hasExtremes },
            new CenterLevelsCase(tokens, channels, Bits: 8) { HasExtremes = hasExtremes },
            .. roundings.Select(rounding => rows with { Rounding = rounding }),
            .. roundings.Select(rounding => rows with { Rounding = rounding, Transforms = false }),
            tokenBlocks,
            tokenBlocks with { Transforms = false },
            tokenBlocks with { Columns = channels / 16 * 16, SumsOnly = true },
            .. roundings.Select(rounding => panels with { Rounding = rounding }),
            new SplitRowsCase(tokens, channels) { HasExtremes = hasExtremes },
            new SplitColumnsCase(tokens, channels) { HasExtremes = hasExtremes },
        ];
    }
}
