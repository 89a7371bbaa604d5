using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels.Convolutions;
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

    /// <summary>SiLU: a product, an exponential, a sum, a reciprocal, a product.</summary>
    private const int ExponentialsOfSilu = 2, InstructionsOfSilu = 3;

    /// <summary>The cost of a launch; null for a kernel that the model does not know.</summary>
    /// <param name="launch">The launch of a plan.</param>
    /// <param name="images">How many images it computes.</param>
    /// <param name="hasHalfStates">Whether scans compute two states of float16 at a time.</param>
    public static KernelCost? Of(GpuLaunch launch, int images, bool hasHalfStates = false)
    {
        double rows = launch.Arguments.FirstOrDefault(argument => argument.Kind == ParameterKind.Integer).Bits;
        return launch.Function.Kernel.Shape switch
        {
            LinearShape shape => Of(shape, rows),
            NormShape shape => Of(shape, rows),
            ConvolutionShape shape => Of(shape, images),
            ScanShape shape => Of(shape, images, hasHalfStates),
            PatchShape shape => Of(shape, images),
            EmbeddingShape shape => Of(shape, images),
            _ => null,
        };
    }

    /// <summary>A product: input, weights and output once.</summary>
    public static KernelCost Of(LinearShape shape, double rows)
    {
        double operations = 2 * rows * shape.Inputs * shape.Outputs, outputs = rows * shape.Outputs;
        double bytes = ((rows + shape.Outputs) * shape.InputBytes) + (outputs * shape.OutputBytes);
        return shape.Numbers switch
        {
            LinearNumbers.Halves => new KernelCost(bytes, operations, 0, 0, outputs),
            LinearNumbers.Levels => new KernelCost(
                bytes + (8 * (rows + shape.Outputs)), 0, operations, 0, outputs * InstructionsOfQuantization),
            _ => new KernelCost(bytes, 0, 0, 0, (operations / 2) + outputs),
        };
    }

    /// <summary>A norm: input, residual stream both ways, output.</summary>
    public static KernelCost Of(NormShape shape, double rows)
    {
        double values = rows * shape.Columns;
        int bytes = (shape.ReadsHalves ? 2 : 4) + (shape.UpdatesStream ? 8 : 0)
            + (shape.WritesLevels ? 1 : shape.WritesHalves ? 2 : 4);
        int instructions = 3 + (shape.UpdatesStream ? 1 : 0) + (shape.IsCentered ? 3 : 0)
            + (shape.WritesLevels ? InstructionsOfQuantization : 0);
        return new KernelCost(values * bytes, 0, 0, rows, values * instructions);
    }

    /// <summary>Both convolutions along the tokens, with SiLU.</summary>
    public static KernelCost Of(ConvolutionShape shape, double images)
    {
        double values = images * shape.Tokens * shape.Channels;
        int bytes = shape.ElementBytes + (2 * (shape.ElementBytes + (shape.MaxLevel is null ? 0 : 1)));
        int quantizations = (shape.QuantizesInput ? 1 : 0) + (shape.MaxLevel is null ? 0 : 2);
        return new KernelCost(
            values * bytes,
            0,
            0,
            values * 2 * ExponentialsOfSilu,
            values * ((2 * (shape.Taps + InstructionsOfSilu)) + (quantizations * InstructionsOfQuantization)));
    }

    /// <summary>Both scans with Δ's projection, softplus, sum and gate.</summary>
    /// <remarks>
    /// A state of float32 takes an exponential and four instructions: the exponent, what is added, the new state, the
    /// output. Two states of float16 take as many together. A state of levels takes no exponential, but a load of its
    /// decay and six instructions.
    /// </remarks>
    public static KernelCost Of(ScanShape shape, double images, bool hasHalfStates)
    {
        const int OfFloatState = 4, OfLevelState = 7, ExponentialsOfSoftplus = 2, InstructionsOfSoftplus = 4;
        double tokens = images * shape.Tokens, values = tokens * shape.Channels;
        double states = shape.Levels is null && hasHalfStates ? shape.States / 2.0 : shape.States;
        double bytes = (values * ((3 * shape.ElementBytes) + (shape.WritesLevels ? 1 : shape.ElementBytes)))
            + (tokens * 2 * shape.Parameters * sizeof(float));
        // A projection in 8 bits multiplies four pairs at once.
        double projection = shape.DeltaMaxLevel is null ? shape.Rank : shape.DeltaBytes / 4.0;
        double exponentials = ExponentialsOfSoftplus + (shape.Levels is null ? states : 0);
        double instructions = projection + InstructionsOfSoftplus + 2
            + (states * (shape.Levels is null ? OfFloatState : OfLevelState));
        return new KernelCost(
            bytes,
            0,
            0,
            values * ((2 * exponentials) + ExponentialsOfSilu),
            values * ((2 * instructions) + InstructionsOfSilu + (shape.WritesLevels ? InstructionsOfQuantization : 0)));
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

    /// <summary>The costs of several launches together.</summary>
    public static KernelCost operator +(KernelCost left, KernelCost right) => new(
        left.Bytes + right.Bytes, left.HalfOperations + right.HalfOperations,
        left.LevelOperations + right.LevelOperations, left.Exponentials + right.Exponentials,
        left.Instructions + right.Instructions);
}
