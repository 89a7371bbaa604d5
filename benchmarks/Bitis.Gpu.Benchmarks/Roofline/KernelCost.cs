using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Elementwise;
using Bitis.Gpu.Kernels.Merging;
using Bitis.Gpu.Kernels.Norms;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Kernels.Tokens;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks.Roofline;

/// <summary>What a launch cannot do without.</summary>
/// <remarks>
/// Each operand is read or written once. Instructions are those of float32 or integers that the definition needs, each
/// for one value; addresses and loops are not counted. So a bound is a limit that no kernel passes, not a prediction.
/// </remarks>
/// <param name="Bytes">Bytes of memory.</param>
/// <param name="HalfOperations">Products and sums of float16 on tensor cores.</param>
/// <param name="LevelOperations">Products and sums of levels on tensor cores.</param>
/// <param name="Exponentials">Exponentials, logarithms and reciprocals.</param>
/// <param name="Instructions">Other instructions.</param>
internal sealed record KernelCost(
    double Bytes, double HalfOperations, double LevelOperations, double Exponentials, double Instructions)
{
    /// <summary>Reading a scale, subtracting, rounding and clamping a value.</summary>
    private const int InstructionsOfQuantization = 4;

    /// <summary>What the CPU's e^x needs in place of an exponential, with a quotient rounded once.</summary>
    private const int InstructionsOfExp = 16;

    /// <summary>The cost of a launch; null for a kernel that the model does not know.</summary>
    /// <param name="launch">The launch of a plan.</param>
    /// <param name="images">How many images it computes.</param>
    public static KernelCost? Of(GpuLaunch launch, int images)
    {
        double rows = launch.Arguments.FirstOrDefault(argument => argument.Kind == ParameterKind.Integer).Bits;
        return launch.Function.Kernel.Shape switch
        {
            LinearShape shape => Of(shape, rows),
            NormShape shape => Of(shape, rows),
            ConvolutionShape shape => Of(shape, images),
            ProjectedConvolutionShape shape => Of(shape, images),
            ArrangedConvolutionShape shape => Of(shape, images),
            DepthwiseShape shape => Of(shape, images),
            ScanShape shape => Of(shape, images),
            ElementShape shape => Of(shape, images),
            GatedSumShape shape => Of(shape, images),
            MeanShape shape => Of(shape, images),
            GridPatchShape shape => Of(shape, images),
            PatchShape shape => Of(shape, images),
            EmbeddingShape shape => Of(shape, images),
            _ => null,
        };
    }

    /// <summary>Products of a launch: inputs, weights and outputs once.</summary>
    public static KernelCost Of(LinearShape shape, double rows)
    {
        double inputs = rows * shape.Groups, outputs = inputs * shape.Outputs, weights = shape.Groups * shape.Outputs;
        double operations = 2 * outputs * shape.Inputs;
        double bytes = (inputs * shape.InputBytes) + (weights * shape.WeightStride) + (outputs * shape.OutputBytes);
        return shape.Numbers switch
        {
            LinearNumbers.Halves => new KernelCost(bytes, operations, 0, 0, outputs),
            LinearNumbers.Levels => new KernelCost(
                bytes + (8 * (inputs + weights)), 0, operations, 0, outputs * InstructionsOfQuantization),
            _ => new KernelCost(bytes, 0, 0, 0, (operations / 2) + outputs),
        };
    }

    /// <summary>A norm: the values of a sum, the residual stream, the output.</summary>
    public static KernelCost Of(NormShape shape, double rows)
    {
        double values = rows * shape.Columns;
        int bytes = shape.Terms.Sum(term => FloatBytes(term.IsHalf)) + (shape.WritesSum ? sizeof(float) : 0)
            + OutputBytes(shape.Levels, shape.WritesHalves);
        int instructions = 2 + shape.Terms.Count + (shape.IsCentered ? 3 : 0) + Quantization(shape.Levels);
        return new KernelCost(values * bytes, 0, 0, rows, values * instructions);
    }

    /// <summary>Both convolutions along the tokens, with SiLU.</summary>
    public static KernelCost Of(ConvolutionShape shape, double images)
    {
        double values = images * shape.Tokens * shape.Channels;
        int levels = (shape.Levels is null ? 0 : 1) + (shape.WritesScanLevels ? 1 : 0);
        int bytes = shape.InputBytes + (2 * (shape.OutputBytes + (shape.Levels is null ? 0 : 1)));
        int quantizations = (shape.QuantizesInput && !shape.ReadsLevels ? 1 : 0) + (2 * levels);
        (int exponentials, int instructions) = Silu(shape.AreHalves);
        return new KernelCost(
            values * bytes,
            0,
            0,
            values * 2 * exponentials,
            values * ((2 * (shape.Taps + instructions)) + (quantizations * InstructionsOfQuantization)));
    }

    /// <summary>Both convolutions with the projections behind them, which read nothing of memory but weights.</summary>
    public static KernelCost Of(ProjectedConvolutionShape shape, double images)
    {
        double rows = images * shape.Convolution.Tokens;
        KernelCost convolution = Of(shape.Convolution, images), projection = Of(shape.Projection, rows);
        double kept = shape.Projection.Groups * rows * shape.Projection.InputBytes;
        // Levels are neither written nor read, nor are their scales read for each image.
        double levels = shape.Convolution.Levels is null ? 0 : kept + (8 * shape.Projection.Groups * rows);
        return (convolution + projection) with { Bytes = convolution.Bytes + projection.Bytes - kept - levels };
    }

    /// <summary>Convolutions along the tokens in other orders, one for each direction.</summary>
    public static KernelCost Of(ArrangedConvolutionShape shape, double images)
    {
        double values = images * shape.Directions * shape.Steps * shape.Channels;
        int bytes = shape.OutputBytes + (shape.Levels is null ? 0 : 1);
        (int exponentials, int ofSilu) = shape.HasSilu ? Silu(shape.ReadsHalves) : (0, 0);
        int instructions = shape.Taps + ofSilu + Quantization(shape.Levels)
            + (shape.WritesScanLevels ? InstructionsOfQuantization : 0);
        return new KernelCost(
            (images * shape.InputRows * shape.Channels * shape.InputBytes) + (values * bytes),
            0,
            0,
            values * exponentials,
            values * (instructions + (shape.QuantizesInput ? InstructionsOfQuantization : 0)));
    }

    /// <summary>A depthwise convolution over a grid.</summary>
    public static KernelCost Of(DepthwiseShape shape, double images)
    {
        double values = images * shape.Height * shape.Width * shape.Channels;
        int bytes = FloatBytes(shape.ReadsHalves) + shape.OutputBytes + shape.Levels.Count;
        int quantizations = (shape.QuantizesInput ? 1 : 0) + (shape.WritesScanLevels ? 1 : 0) + shape.Levels.Count;
        (int exponentials, int ofSilu) = shape.HasSilu ? Silu(shape.ReadsHalves) : (0, 0);
        int instructions = (shape.Side * shape.Side) + ofSilu + (quantizations * InstructionsOfQuantization);
        return new KernelCost(values * bytes, 0, 0, values * exponentials, values * instructions);
    }

    /// <summary>The scans of all directions with Δ's projection, softplus, sum and gate.</summary>
    /// <remarks>
    /// A state of float32 takes an exponential and four instructions: the exponent, what is added, the new state, the
    /// output. Two states of float16 take as many together. A state of levels takes no exponential, but a load of its
    /// decay and six instructions.
    /// </remarks>
    public static KernelCost Of(ScanShape shape, double images)
    {
        const int OfFloatState = 4, OfLevelState = 7;
        int directions = shape.Directions;
        double tokens = images * shape.Tokens, values = tokens * shape.Channels;
        double states = shape.HasHalfStates ? shape.States / 2.0 : shape.States;
        int outputs = shape.Arrangement is null ? 1 : directions;
        double bytes = (directions * shape.InputBytes) + (shape.HasGate ? shape.ElementBytes : 0)
            + (outputs * OutputBytes(shape.OutputLevels, shape.AreHalves));
        // A projection in 8 bits multiplies four pairs at once.
        double projection = shape.DeltaLevels is null ? shape.Rank : shape.DeltaBytes / 4.0;
        (int exponentialsOfSoftplus, int ofSoftplus) = shape.HasFastFunctions ? (2, 4) : (1, 4 + InstructionsOfExp);
        (int exponentialsOfGate, int ofGate) = shape.HasGate ? Silu(shape.HasFastFunctions) : (0, 0);
        double exponentials = exponentialsOfSoftplus + (shape.Levels is null ? states : 0);
        double instructions = projection + ofSoftplus + 2
            + (states * (shape.Levels is null ? OfFloatState : OfLevelState));
        return new KernelCost(
            (values * bytes) + (tokens * directions * shape.Parameters * sizeof(float)),
            0,
            0,
            values * ((directions * exponentials) + exponentialsOfGate),
            values * ((directions * instructions) + ofGate
                + (outputs * Quantization(shape.OutputLevels))));
    }

    /// <summary>An elementwise operation.</summary>
    public static KernelCost Of(ElementShape shape, double images)
    {
        double values = images * shape.Rows * shape.Columns;
        int bytes = FloatBytes(shape.A.IsHalf) + (shape.B is { } b ? FloatBytes(b.IsHalf) : 0)
            + OutputBytes(shape.Levels, shape.WritesHalves);
        (int ofSilu, int others) = Silu(shape.A.IsHalf);
        (int exponentials, int instructions) = shape.Operation switch
        {
            ElementOperation.Copy => (0, 0),
            ElementOperation.Silu or ElementOperation.Sigmoid => (ofSilu, others),
            ElementOperation.Gate => (ofSilu, others + 2),
            ElementOperation.Gelu => shape.A.IsHalf ? (2, 10) : (1, 20),
            ElementOperation.Rotate => (0, 2),
            _ => (0, 1),
        };
        return new KernelCost(
            values * bytes, 0, 0, values * exponentials, values * (instructions + Quantization(shape.Levels)));
    }

    /// <summary>A gated sum of directions.</summary>
    public static KernelCost Of(GatedSumShape shape, double images)
    {
        double values = images * shape.Rows * shape.Columns;
        int bytes = (shape.Terms * FloatBytes(shape.ReadsHalves)) + OutputBytes(shape.Levels, shape.WritesHalves);
        return new KernelCost(values * bytes, 0, 0, 0, values * (shape.Terms + Quantization(shape.Levels)));
    }

    /// <summary>A mean over the tokens.</summary>
    public static KernelCost Of(MeanShape shape, double images)
    {
        double outputs = images * shape.Channels, values = outputs * shape.Tokens;
        return new KernelCost(
            (values * FloatBytes(shape.ReadsHalves)) + (outputs * OutputBytes(shape.Levels, shape.WritesHalves)),
            0,
            0,
            shape.Epsilon is null ? 0 : images * shape.Tokens,
            values * (shape.Epsilon is null ? 1 : 5));
    }

    /// <summary>Gathering squares of a grid of tokens.</summary>
    public static KernelCost Of(GridPatchShape shape, double images)
    {
        double values = images * shape.Down * shape.Across * shape.Values;
        double tokens = images * shape.Height * shape.Width * shape.Channels;
        int bytes = shape.MaxLevel is not null ? 1 : FloatBytes(shape.WritesHalves);
        return new KernelCost(
            (tokens * FloatBytes(shape.ReadsHalves)) + (values * bytes), 0, 0, 0,
            shape.MaxLevel is null ? values : values * InstructionsOfQuantization);
    }

    /// <summary>Gathering patches.</summary>
    public static KernelCost Of(PatchShape shape, double images)
    {
        double values = images * shape.Down * shape.Across * shape.Values;
        double pixels = images * shape.Channels * shape.Height * shape.Width;
        int bytes = shape.MaxLevel is not null ? 1 : shape.WritesHalves ? 2 : 4;
        return new KernelCost(
            (pixels * sizeof(float)) + (values * bytes), 0, 0, 0,
            shape.MaxLevel is null ? values : values * InstructionsOfQuantization);
    }

    /// <summary>Patches, the class token and positions.</summary>
    public static KernelCost Of(EmbeddingShape shape, double images)
    {
        double values = images * shape.Tokens * shape.Channels;
        return new KernelCost(values * ((shape.ReadsHalves ? 2 : 4) + sizeof(float)), 0, 0, 0, values);
    }

    private static int FloatBytes(bool isHalf) => isHalf ? sizeof(ushort) : sizeof(float);

    private static int OutputBytes(LevelShape? levels, bool areHalves) =>
        levels is not null ? sizeof(byte) : FloatBytes(areHalves);

    /// <summary>SiLU: a product, an exponential, a sum, a reciprocal, a product; or e^x as on the CPU.</summary>
    private static (int Exponentials, int Instructions) Silu(bool isFast) =>
        isFast ? (2, 3) : (1, 3 + InstructionsOfExp);

    private static int Quantization(LevelShape? levels) => levels is null ? 0 : InstructionsOfQuantization;

    /// <summary>The costs of several launches together.</summary>
    public static KernelCost operator +(KernelCost left, KernelCost right) => new(
        left.Bytes + right.Bytes, left.HalfOperations + right.HalfOperations,
        left.LevelOperations + right.LevelOperations, left.Exponentials + right.Exponentials,
        left.Instructions + right.Instructions);
}
