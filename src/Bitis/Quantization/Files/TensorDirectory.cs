using Bitis.Checkpoints;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Quantization.Files;

/// <summary>
/// The tensors of a quantized model's file, each of which has one meaning: what is read is checked, what is left over
/// is refused.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="cancellationToken">Ends the reading between two tensors.</param>
internal sealed class TensorDirectory(Checkpoint file, CancellationToken cancellationToken = default)
{
    private readonly Dictionary<string, CheckpointEntry> _entries = file.Entries.ToDictionary(entry => entry.Name);
    private readonly HashSet<string> _read = [];

    /// <summary>The file's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => file.Metadata;

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The shape of a vector whose length is not known beforehand, but at most as long as something.</summary>
    /// <exception cref="BitisException">The tensor is missing, or no such vector.</exception>
    public Shape VectorShape(string name, int longest) =>
        _entries.TryGetValue(name, out CheckpointEntry? entry) && entry.Shape.Rank == 1 && entry.Shape[0] >= 1
            && entry.Shape[0] <= longest
            ? entry.Shape
            : throw new BitisException($"tensor '{name}' is missing, or not a vector of 1 to {longest} numbers.");

    /// <summary>Finite numbers, stored as float32 or float16.</summary>
    /// <exception cref="BitisException">The tensor is missing or something else.</exception>
    public FloatTensor Floats(string name, Shape shape)
    {
        CheckpointEntry entry = Entry(name);
        if (entry.DType is not (DType.Float32 or DType.Float16) || entry.Shape != shape)
        {
            throw new BitisException(
                $"tensor '{name}' is {entry.DType} {entry.Shape}; expected {DType.Float32} or {DType.Float16}, "
                + $"{shape}.");
        }

        FloatTensor tensor = file.Read(name);
        return Checkpoint.FindNonFinite(tensor) is { } index
            ? throw new BitisException(
                $"tensor '{name}' holds {tensor.Span[index]} at element {index}; expected finite numbers.")
            : tensor;
    }

    /// <summary>Positive numbers whose reciprocals are finite.</summary>
    /// <exception cref="BitisException">The tensor is missing or something else.</exception>
    public float[] Scales(string name, Shape shape)
    {
        float[] scales = Floats(name, shape).Span.ToArray();
        return Array.FindIndex(scales, scale => !(scale > 0 && float.IsFinite(1 / scale))) is >= 0 and var index
            ? throw new BitisException(
                $"tensor '{name}' holds {scales[index]} at element {index}; expected a positive number whose "
                + "reciprocal is finite.")
            : scales;
    }

    /// <summary>Levels from 0 on.</summary>
    /// <exception cref="BitisException">The tensor is missing or something else.</exception>
    public int[] ZeroPoints(string name, Shape shape, int bits)
    {
        int[] zeros = Array.ConvertAll(Bytes(name, DType.UInt8, shape), zero => (int)zero);
        int max = UniformQuantizer.LevelsOf(bits, isSymmetric: false).Max;
        return Array.FindIndex(zeros, zero => zero > max) is >= 0 and var index
            ? throw new BitisException(
                $"tensor '{name}' holds {zeros[index]} at element {index}; expected levels of 0 to {max}.")
            : zeros;
    }

    /// <summary>The bytes of a tensor.</summary>
    /// <exception cref="BitisException">The tensor is missing or something else.</exception>
    public byte[] Bytes(string name, DType type, Shape shape)
    {
        CheckpointEntry entry = Entry(name);
        return entry.DType == type && entry.Shape == shape
            ? file.ReadBytes(name)
            : throw new BitisException($"tensor '{name}' is {entry.DType} {entry.Shape}; expected {type} {shape}.");
    }

    /// <summary>Throws if there is a tensor that nobody has read: it would say something that is not done.</summary>
    /// <exception cref="BitisException">There is.</exception>
    public void RequireAllRead()
    {
        if (
            _entries.Keys.Where(
                name => !_read.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } left)
        {
            throw new BitisException($"tensor '{left}' belongs to nothing in this model.");
        }
    }

    private CheckpointEntry Entry(string name)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _read.Add(name);
        return _entries.GetValueOrDefault(name) ?? throw new BitisException($"tensor '{name}' is missing.");
    }
}
