using Bitis.Execution.Planning;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Gradients;

/// <summary>The memory of one thread: values and gradients of a few images.</summary>
/// <remarks>
/// These images pass through the whole network, forward and back, before the next ones. So most of what an operation
/// reads is still in a cache.
/// </remarks>
internal sealed unsafe class MicroBatch : IDisposable
{
    private readonly Arena _arena;
    private readonly NativeBuffer<float> _scratch;

    /// <summary>Reserves the memory.</summary>
    /// <param name="layout">The memory of values and gradients, from the planner.</param>
    /// <param name="scratchLength">The elements of scratch memory, from the planner.</param>
    public MicroBatch(ArenaLayout layout, int scratchLength)
    {
        _arena = new Arena(layout);
        Addresses = _arena.Addresses;
        _scratch = new NativeBuffer<float>(scratchLength);
    }

    /// <summary>How many images are in the micro-batch now.</summary>
    public int Images { get; set; }

    /// <summary>The addresses of the blocks.</summary>
    public ArenaAddresses Addresses { get; }

    /// <summary>The sums of all parameters' gradients that the micro-batch adds to.</summary>
    public float* Sums { get; set; }

    /// <summary>The key of the micro-batch's random numbers, of which each operation makes its own.</summary>
    public uint Key { get; set; }

    /// <summary>Memory that an operation may use while it runs.</summary>
    public float* Scratch => _scratch.Pointer;

    /// <summary>Sets the memory of an input of the plan. The caller owns it, and it must outlive the run.</summary>
    public void Bind(ArenaMatrix input, float* values) => _arena.Bind(input.Block, values);

    /// <summary>The bytes of a block that is not a matrix.</summary>
    public byte* Bytes(ArenaBlock block) => Addresses[block];

    /// <summary>The first row of a matrix, of the micro-batch's first image.</summary>
    public float* Pointer(ArenaMatrix matrix) => matrix.Pointer(Addresses);

    /// <summary>The first row of a matrix, of one image.</summary>
    public float* Pointer(ArenaMatrix matrix, int image) =>
        Pointer(matrix.OfImage(image));

    /// <summary>A row of a matrix, counted over all of the micro-batch's images.</summary>
    public Span<float> Row(ArenaMatrix matrix, int row) =>
        new(Pointer(matrix) + ((nint)row * matrix.Stride), matrix.Columns);

    /// <summary>The rows of a matrix in all of the micro-batch's images; they lie one after the other.</summary>
    public int Rows(ArenaMatrix matrix) => Images * matrix.Rows;

    /// <summary>The sum of a parameter's gradient.</summary>
    public float* Gradient(ParameterSlot parameter) => Sums + parameter.Offset;

    /// <summary>The gradients of a layer with weights, of all images or from one image on.</summary>
    public LayerGradients Gradients(
        ArenaMatrix output, GradientTarget source, ParameterSlot weight, ParameterSlot? bias, int image = 0) =>
        new()
        {
            Output = Pointer(output, image),
            OutputStride = output.Stride,
            Source = Pointer(source.Matrix, image),
            SourceStride = source.Matrix.Stride,
            AccumulateSource = source.Accumulate,
            Weight = Gradient(weight),
            Bias = bias is null ? null : Gradient(bias),
        };

    /// <inheritdoc />
    public void Dispose()
    {
        _arena.Dispose();
        _scratch.Dispose();
    }
}
