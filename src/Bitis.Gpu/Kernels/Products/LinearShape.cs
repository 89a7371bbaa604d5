namespace Bitis.Gpu.Kernels.Products;

/// <summary>What the text of a linear layer depends on.</summary>
/// <param name="Inputs">K.</param>
/// <param name="Outputs">N.</param>
/// <param name="Numbers">What is multiplied.</param>
/// <param name="Output">What is written.</param>
/// <param name="HasBias">Whether a bias is added.</param>
internal sealed record LinearShape(
    int Inputs, int Outputs, LinearNumbers Numbers, LinearOutput Output, bool HasBias)
{
    /// <summary>The bytes that are copied at once; rows of input and weights begin at multiples of it.</summary>
    public const int ChunkBytes = 16;

    /// <summary>The bytes of a row without padding.</summary>
    public int InputBytes => Inputs * BytesOf(Numbers);

    /// <summary>The distance of rows of the input and of the weights in bytes.</summary>
    /// <remarks>Padding of the input may hold anything; it is not read.</remarks>
    public int InputStride { get; init; } = RowBytes(Inputs * BytesOf(Numbers));

    /// <summary>Of levels: whether weights have 4 bits, two in a byte.</summary>
    public bool HasNibbles { get; init; }

    /// <summary>The layers of the same shape that are computed in one launch.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The distance of rows of the weights in bytes.</summary>
    public int WeightStride => HasNibbles ? PackedNibbles.RowBytes(Inputs) : RowBytes(InputBytes);

    /// <summary>What is computed of each output.</summary>
    public LinearActivation Activation { get; init; }

    /// <summary>Of written levels: what they depend on.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>Of outputs in two places: which go where; null for one place.</summary>
    public LinearSplit? Split { get; init; }

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride { get; init; } = Outputs;

    /// <summary>The bytes of an output value.</summary>
    public int OutputBytes => Output switch
    {
        LinearOutput.Floats => sizeof(float),
        LinearOutput.Halves => sizeof(ushort),
        _ => sizeof(byte),
    };

    /// <summary>A name for entries.</summary>
    public string EntryName => (
        $"{Numbers}_{Outputs}x{Inputs}_{Output}" + (HasBias ? "_bias" : "")
            + (Activation == LinearActivation.None ? "" : $"_{Activation}")
            + (HasNibbles ? "_nibbles" : "") + (Groups == 1 ? "" : $"_{Groups}_groups")
            + (Split is null ? "" : "_split")).ToLowerInvariant();

    /// <summary>Whether rows lie where chunks of them can be read at once.</summary>
    public bool IsAligned => InputStride % ChunkBytes == 0 && InputStride >= InputBytes
        && OutputStride >= (Split?.Columns ?? Outputs)
        && (Output == LinearOutput.Levels) == (Levels is not null || Split is not null)
        && (!HasNibbles || (Numbers == LinearNumbers.Levels && Inputs <= PackedNibbles.MaxInputs))
        && (Groups == 1 || (Levels is null && Split is null))
        && (Split is null || (Outputs % 2 == 0 && Split.Columns % 2 == 0 && Split.RestStride % 2 == 0
            && OutputStride % 2 == 0));

    /// <summary>The bytes of a row with its padding.</summary>
    public static int RowBytes(int bytes) => (bytes + ChunkBytes - 1) / ChunkBytes * ChunkBytes;

    /// <summary>The elements of a row of float16 with its padding.</summary>
    public static int RowHalves(int columns) => RowBytes(columns * sizeof(ushort)) / sizeof(ushort);

    private static int BytesOf(LinearNumbers numbers) => numbers switch
    {
        LinearNumbers.Floats => sizeof(float),
        LinearNumbers.Halves => sizeof(ushort),
        _ => sizeof(byte),
    };
}
