using System.Numerics.Tensors;
using Bitis.Checkpoints.Folders;
using Bitis.Checkpoints.Safetensors;
using Bitis.Checkpoints.Torch;
using Bitis.Checkpoints.Weights;
using Bitis.Tensors;

namespace Bitis.Checkpoints;

/// <summary>An open checkpoint: safetensors, or a PyTorch file of <c>torch.save</c> (zip and legacy).</summary>
/// <remarks>
/// The format is recognized by content, not by name. Opening reads only the directory of tensors; <see cref="Read"/>
/// loads one tensor. No code in a checkpoint is run. Reading every tensor once takes at most 64 times the file's size
/// (or 1 MiB), whatever the file claims. A file that shrinks meanwhile is an error (docs/limits.md).
/// </remarks>
public sealed class Checkpoint : IDisposable
{
    /// <summary>How often the bytes of a file may be used, since tied weights share bytes and zeros compress.</summary>
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

    /// <summary>The path of the file; for a folder, that of the file in it.</summary>
    public string Path => _files[0].Path;

    /// <summary>The files of the checkpoint: one, or an index and the files that it names.</summary>
    public IReadOnlyList<string> Files => [.. _files.Select(file => file.Path)];

    /// <summary>The size of all files in bytes.</summary>
    public long FileLength => _files.Sum(file => file.Length);

    /// <summary>The bytes read from the files or inflated so far.</summary>
    internal long BytesProcessed => _files.Sum(file => file.BytesProcessed);

    /// <summary>The format of the file.</summary>
    internal CheckpointFormat Format { get; }

    /// <summary>
    /// The key of the weights and the prefix of their names: <c>state_dict.model</c>; empty for the top level.
    /// </summary>
    public string WeightsKey { get; }

    /// <summary>All keys of possible weights, including the chosen one.</summary>
    public IReadOnlyList<string> WeightsKeys { get; }

    /// <summary>Metadata stored beside the weights, as text.</summary>
    /// <remarks>
    /// For safetensors, the <c>__metadata__</c>. For PyTorch, the scalars, such as <c>epoch</c>, and the flattened
    /// arguments, such as <c>args.model</c>, up to a limited number.
    /// </remarks>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors' shapes, by name.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes => Entries.ToDictionary(entry => entry.Name, entry => entry.Shape);

    /// <summary>
    /// The tensors, in the file's order, without a <c>module.</c> or <c>_orig_mod.</c> that all names share.
    /// </summary>
    internal IReadOnlyList<CheckpointEntry> Entries { get; }

    /// <summary>
    /// Entries among the weights that cannot be read as tensors, such as sparse tensors: name and reason.
    /// </summary>
    public IReadOnlyDictionary<string, string> Unreadable { get; }

    /// <summary>The names of tensors without the weights' prefix, or that cannot be read.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">The file, the index of a checkpoint in several files, or a folder with one of these.</param>
    /// <param name="weightsKey">
    /// The place of the weights: a key, nested keys separated by dots, a prefix of the tensors' names, or both. Empty
    /// for the top level. Null for a usual place, such as <c>model</c>, or else the one with most tensors.
    /// </param>
    /// <exception cref="BitisException">
    /// The file is missing, is not a checkpoint, is damaged, or contains harmful code.
    /// </exception>
    public static Checkpoint Open(string path, string? weightsKey = null) => Open(path, weightsKey, marks: []);

    /// <summary>Opens a checkpoint file whose weights may have a prefix.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weightsKey">The place of the weights; null to find it by marks or usual keys.</param>
    /// <param name="marks">
    /// Names of tensors with which a known architecture begins; a longer name shows the prefix.
    /// </param>
    /// <exception cref="BitisException">As above, or the file has the weights of several models.</exception>
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

    /// <summary>Whether the checkpoint has a tensor of this name.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>
    /// Loads a tensor and converts it to float32. Values may be non-finite (<see cref="FindNonFinite"/>).
    /// </summary>
    /// <exception cref="BitisException">The tensor does not exist, or its bytes are damaged.</exception>
    public FloatTensor Read(string name) => InTensor(name, static tensor => tensor.Read());

    /// <summary>Loads the stored bytes of a tensor: row-major, little-endian, in the stored type.</summary>
    /// <exception cref="BitisException">The tensor does not exist, or its bytes are damaged.</exception>
    public byte[] ReadBytes(string name) => InTensor(name, static tensor => tensor.ReadBytes());

    /// <summary>The index of the first NaN or infinity among the elements; null if all are finite.</summary>
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

    /// <summary>Checks that reading all tensors once stays within the limit for the file's size.</summary>
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
