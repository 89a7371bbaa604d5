using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>
/// Reads what <c>torch.save</c> wrote before PyTorch 1.6: five pickles (a magic number, the protocol, facts about the
/// machine, the objects, the keys of the storages), then for each key the number of elements and the elements.
/// </summary>
/// <remarks>
/// Work: the pickles, of at most 32 MiB each; storages follow one another, so that none is counted twice.
/// </remarks>
internal static class TorchLegacyReader
{
    private const long Protocol = 1001;

    private static readonly BigInteger MagicNumber =
        BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Reads the pickles and finds the storages; their bytes stay in the file.</summary>
    /// <exception cref="BitisException">The file is damaged, is no checkpoint, or wants code to be run.</exception>
    public static CheckpointContents Read(CheckpointFile file)
    {
        var storages = new Dictionary<string, LegacyStorage>(StringComparer.Ordinal);
        long position = 0;
        if (ReadPickle(file, ref position, storages) is not BigInteger magic || magic != MagicNumber)
        {
            throw file.Error(
                "this is a pickle, but not one of torch.save; load it with Python and save the weights "
                + "with torch.save.");
        }
        if (ReadPickle(file, ref position, storages) is not Protocol)
            throw file.Error($"the protocol of the checkpoint is not {Protocol}, the only one that PyTorch used.");
        if (ReadPickle(file, ref position, storages) is not PickleDictionary facts
            || facts["little_endian"] is not true)
        {
            throw file.Error("the checkpoint is not marked as little-endian; only little-endian checkpoints are read.");
        }

        object? root = ReadPickle(file, ref position, storages);
        if (ReadPickle(file, ref position, storages) is not List<object?> keys)
            throw file.Error($"the list of storages is missing before byte {position}; the file is damaged.");
        PlaceStorages(file, position, keys, storages);
        return TorchPlaces.Find(file, CheckpointFormat.TorchLegacy, root);
    }

    private static object? ReadPickle(
        CheckpointFile file, ref long position, Dictionary<string, LegacyStorage> storages)
    {
        var reader = new PickleReader(
            new FileBytes(file, position, file.Length - position),
            file.Path,
            $"{file.Path}: pickle at byte {position}",
            id => LoadPersistent(file, storages, id));
        object? value = reader.Read();
        position += reader.Position;
        return value;
    }

    /// <summary>
    /// ('storage', type, key, location, number of elements, view), or ('module', class, file, source): the source code
    /// of a module is left alone.
    /// </summary>
    private static object LoadPersistent(CheckpointFile file, Dictionary<string, LegacyStorage> storages, object? id)
    {
        object?[] parts = id as object?[] ?? [];
        if (parts is ["module", PickleClass module, ..])
            return module;
        if (parts is not ["storage", var named, string key, _, long count, .. var rest]
            || TorchTypes.StorageOf(named) is not { } type)
        {
            throw new BitisException(
                "a storage is named in a form that this reader does not know; save the file again.");
        }
        if (rest is [not null, ..])
        {
            throw new BitisException(
                $"the storage '{key}' is a view of another (PyTorch before 0.4); save the file again.");
        }
        if (type.BitSize is not { } bits)
        {
            throw new BitisException(
                $"the storage '{key}' is a {type.Name}, whose elements have a size that this reader does not know, "
                + "so what follows it cannot be found. Save the weights alone: torch.save(model.state_dict(), ...).");
        }
        if (count < 0 || count > file.Length * 8 / bits)
        {
            throw new BitisException(
                $"the storage '{key}' claims {count} elements of type {type.Name}, "
                + $"but the file has {file.Length} bytes; it is truncated or damaged.");
        }
        if (!storages.TryGetValue(key, out LegacyStorage? storage))
            storages.Add(key, storage = new LegacyStorage(type, count, new LegacyBytes(file, count * bits / 8)));
        if (storage.Type != type || storage.Count != count)
            throw new BitisException($"the storage '{key}' is described twice in different ways; the file is damaged.");
        return new TorchStorage(type, storage.Bytes);
    }

    private static void PlaceStorages(
        CheckpointFile file, long position, List<object?> keys, Dictionary<string, LegacyStorage> storages)
    {
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out LegacyStorage? storage))
                throw file.Error($"the list of storages names '{item}', which no tensor uses; the file is damaged.");
            if (file.Length - position < sizeof(long) + storage.Bytes.Length)
            {
                throw file.Error(
                    $"the file ends at byte {file.Length}, in the middle of the storage '{key}' "
                    + $"({storage.Bytes.Length} bytes from byte {position + sizeof(long)}); it is truncated. "
                    + "Download or copy it again.");
            }
            long count = BinaryPrimitives.ReadInt64LittleEndian(file.Read(position, sizeof(long)));
            if (count != storage.Count)
            {
                throw file.Error(
                    $"the storage '{key}' at byte {position} claims {count} elements instead of {storage.Count}; "
                    + "the file is damaged.");
            }
            storage.Bytes.Start = position + sizeof(long);
            position += sizeof(long) + storage.Bytes.Length;
        }
        foreach ((string key, LegacyStorage storage) in storages)
        {
            if (storage.Bytes.Start is null)
                throw file.Error($"the storage '{key}' is used but missing from the file; it is damaged.");
        }
    }

    private sealed record LegacyStorage(TorchStorageType Type, long Count, LegacyBytes Bytes);
}
