using System.Numerics.Tensors;
using Bitis.Checkpoints.Folders;
using Bitis.Checkpoints.Safetensors;
using Bitis.Checkpoints.Torch;
using Bitis.Checkpoints.Weights;
using Bitis.Tensors;

namespace Bitis.Checkpoints;

/// <summary>An open checkpoint file: safetensors, or what <c>torch.save</c> writes (zip and legacy).</summary>
/// <remarks>
/// The format is found by content, not by the file's name. Opening reads the directory of tensors only;
/// <see cref="Read"/> loads one tensor. No code in a checkpoint is ever run. Reading every tensor once takes at most 64
/// times the file's size (or 1 MiB), whatever the file says; a file that shrinks meanwhile is an error
/// (docs/limits.md).
/// </remarks>
public sealed class Checkpoint : IDisposable
{
    /// <summary>How often the bytes of a file may be used: tied weights share them, and zeros compress.</summary>
    private const int MaxSharing = 64;

    private const long AlwaysAllowedBytes = 1 << 20;

    private readonly List<CheckpointFile> _files;
    private readonly Dictionary<string, StoredTensor> _tensors = [];

    private Checkpoint(List<CheckpointFile> files, CheckpointContents contents, ChosenWeights weights)
    {
        _files = files;
        Format = contents.Format;
        WeightsKey = weights.Key;
        WeightsKeys = weights.Keys;
        Metadata = contents.Metadata;
        Unreadable = weights.Unreadable;
        LeftOut = weights.LeftOut;
        CheckSharing(weights.Tensors);
        var entries = new List<CheckpointEntry>(weights.Tensors.Count);
        foreach ((string name, StoredTensor tensor) in weights.Tensors)
        {
            _tensors.Add(name, tensor);
            entries.Add(new CheckpointEntry(name, tensor.DType, tensor.Shape, tensor.ByteLength));
        }
        Entries = entries;
    }

    /// <summary>The path as it was given; of a folder that of the file in it.</summary>
    public string Path => _files[0].Path;

    /// <summary>The files that it consists of: one, or an index and the files that it names.</summary>
    public IReadOnlyList<string> Files => [.. _files.Select(file => file.Path)];

    /// <summary>The size of all files in bytes.</summary>
    public long FileLength => _files.Sum(file => file.Length);

    /// <summary>The bytes that were read from the files or inflated so far.</summary>
    internal long BytesProcessed => _files.Sum(file => file.BytesProcessed);

    /// <summary>The format of the file.</summary>
    internal CheckpointFormat Format { get; }

    /// <summary>
    /// The key under which the weights were found, and the prefix of their names: <c>state_dict.model</c>. Empty for
    /// the top level.
    /// </summary>
    public string WeightsKey { get; }

    /// <summary>All keys under which weights could be taken, the chosen one included.</summary>
    public IReadOnlyList<string> WeightsKeys { get; }

    /// <summary>
    /// What is written beside the weights, as text: the <c>__metadata__</c> of a safetensors file; for PyTorch the
    /// scalars,
    /// such as <c>epoch</c>, and the flattened arguments, such as <c>args.model</c> (a bounded number of them).
    /// </summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors' shapes, by name.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes => Entries.ToDictionary(entry => entry.Name, entry => entry.Shape);

    /// <summary>
    /// The tensors, in the file's order. A <c>module.</c> or <c>_orig_mod.</c> that all names share has been removed.
    /// </summary>
    internal IReadOnlyList<CheckpointEntry> Entries { get; }

    /// <summary>
    /// What has a name among the weights but cannot be read as a tensor, such as a sparse tensor: name and reason.
    /// </summary>
    public IReadOnlyDictionary<string, string> Unreadable { get; }

    /// <summary>Tensors without an entry: their names lack the weights' prefix, or they cannot be read.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Opens a checkpoint file.</summary>
    /// <param name="path">The file, the index of several, or a folder that has one of them.</param>
    /// <param name="weightsKey">
    /// Where the weights are: a key, nested keys separated by dots, a prefix of the tensors' names, or both; empty for
    /// the top level. By default a usual place, such as <c>model</c>, or the one with most tensors.
    /// </param>
    /// <exception cref="BitisException">The file is missing, no checkpoint, damaged, or can do harm.</exception>
    public static Checkpoint Open(string path, string? weightsKey = null) => Open(path, weightsKey, marks: []);

    /// <summary>Opens a checkpoint file whose weights may have a prefix.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weightsKey">Where the weights are; null for where the marks or usual keys are.</param>
    /// <param name="marks">Names of tensors that begin a known architecture: a longer name shows the prefix.</param>
    /// <exception cref="BitisException">As above, or the weights of several models are in it.</exception>
    internal static Checkpoint Open(string path, string? weightsKey, IReadOnlyList<string> marks)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<CheckpointFile> files = [];
        try
        {
            CheckpointFile file = CheckpointFile.Open(ModelFolder.Resolve(path));
            files.Add(file);
            CheckpointContents contents = ShardIndex.IsIndex(file)
                ? ShardIndex.Read(file, files, ReadContents)
                : ReadContents(file);
            return new Checkpoint(files, contents, WeightsChooser.Choose(file, contents, weightsKey, marks));
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>Loads a tensor and converts it to float32. The values are as stored: see
    /// <see cref="FindNonFinite"/>.</summary>
    /// <exception cref="BitisException">There is no such tensor, or its bytes are damaged.</exception>
    public FloatTensor Read(string name) => InTensor(name, static tensor => tensor.Read());

    /// <summary>Loads the stored bytes of a tensor: row-major, little-endian, of the entry's type.</summary>
    /// <exception cref="BitisException">There is no such tensor, or its bytes are damaged.</exception>
    public byte[] ReadBytes(string name) => InTensor(name, static tensor => tensor.ReadBytes());

    /// <summary>The index of the first NaN or infinity among the elements; null when all are finite.</summary>
    public static int? FindNonFinite(FloatTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.FindNonFinite();
    }

    /// <inheritdoc />
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static CheckpointContents ReadContents(CheckpointFile file) => FormatDetector.Detect(file) switch
    {
        CheckpointFormat.Safetensors => SafetensorsReader.Read(file),
        CheckpointFormat.TorchZip => TorchZipReader.Read(file),
        _ => TorchLegacyReader.Read(file),
    };

    /// <summary>Reading all tensors once must not take more than the file's size allows.</summary>
    private void CheckSharing(IReadOnlyList<KeyValuePair<string, StoredTensor>> tensors)
    {
        long length = FileLength;
        long total = 0, expanded = 0;
        foreach ((_, StoredTensor tensor) in tensors)
        {
            total += tensor.TouchedBytes;
            expanded += tensor.ExpandedBytes;
        }
        if ((total > AlwaysAllowedBytes && total / MaxSharing > length) || expanded / MaxSharing > length)
        {
            throw _files[0].Error(
                $"its {tensors.Count} tensors claim {Math.Max(total, expanded)} bytes, more than {MaxSharing} times "
                + $"the file's {length}: many of them are made of the same bytes. The file may be malicious.");
        }
    }

    private T InTensor<T>(string name, Func<StoredTensor, T> read)
    {
        if (!_tensors.TryGetValue(name, out StoredTensor? tensor))
        {
            throw _files[0].Error(Unreadable.TryGetValue(name, out string? reason)
                ? $"tensor '{name}' cannot be read: {reason}."
                : $"there is no tensor '{name}' among the {Entries.Count} of this checkpoint.");
        }
        try
        {
            return read(tensor);
        }
        catch (BitisException e)
        {
            string problem = e.Message.StartsWith($"{Path}: ", StringComparison.Ordinal)
                ? e.Message[(Path.Length + 2)..]
                : e.Message;
            throw new BitisException($"{Path}: tensor '{name}': {problem}", e);
        }
    }
}
