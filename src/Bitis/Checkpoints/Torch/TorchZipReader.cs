using System.Text;
using Bitis.Checkpoints.Torch.Pickle;
using Bitis.Checkpoints.Torch.Zip;

namespace Bitis.Checkpoints.Torch;

/// <summary>
/// Reads the zip archives of <c>torch.save</c>: <c>NAME/data.pkl</c> holds the objects, <c>NAME/data/KEY</c> one
/// storage
/// each, <c>NAME/byteorder</c> the byte order.
/// </summary>
internal static class TorchZipReader
{
    private const string PickleName = "data.pkl";
    private const int MaxByteOrderLength = 16;

    /// <summary>Reads the pickle; storages stay in the file.</summary>
    /// <exception cref="BitisException">The archive is damaged, is no checkpoint, or wants code to be run.</exception>
    public static CheckpointContents Read(CheckpointFile file)
    {
        Dictionary<string, ZipEntry> entries = ZipDirectory.Read(file);
        string pickleName = entries.Keys
            .Where(name => name == PickleName || name.EndsWith("/" + PickleName, StringComparison.Ordinal))
            .MinBy(name => name.Length)
            ?? throw file.Error(
                $"this is a zip archive without a {PickleName}, so not a PyTorch checkpoint; "
                + "if it is an archive around a checkpoint, unpack it first.");
        if (entries[pickleName].Length > PickleReader.MaxLength)
        {
            throw file.Error(
                $"'{pickleName}' has {entries[pickleName].Length} bytes, more than the {PickleReader.MaxLength >> 20} "
                + "MiB that are "
                + "read; save the weights alone: torch.save(model.state_dict(), ...).");
        }
        string prefix = pickleName[..^PickleName.Length];
        if (entries.ContainsKey(prefix + "constants.pkl"))
        {
            throw file.Error(
                "this is a TorchScript archive (a compiled program), not a checkpoint; "
                + "save the weights with torch.save(model.state_dict(), ...).");
        }
        if (entries.TryGetValue(prefix + "byteorder", out ZipEntry? order)
            && ReadByteOrder(file, order) is var name and not "little")
        {
            throw file.Error($"the byte order is '{name}'; only little-endian checkpoints are read.");
        }

        var storages = new Dictionary<string, ZipBytes>(StringComparer.Ordinal);
        var reader = new PickleReader(
            new ZipBytes(file, entries[pickleName]),
            file.Path,
            $"{file.Path}: {pickleName}",
            id => LoadStorage(id, key =>
            {
                if (!storages.TryGetValue(key, out ZipBytes? bytes)
                    && entries.TryGetValue($"{prefix}data/{key}", out ZipEntry? entry))
                {
                    storages.Add(key, bytes = new ZipBytes(file, entry));
                }

                return bytes;
            }));
        return TorchPlaces.Find(file, CheckpointFormat.TorchZip, reader.Read());
    }

    private static string ReadByteOrder(CheckpointFile file, ZipEntry entry)
    {
        byte[] text = new byte[Math.Min(entry.Length, MaxByteOrderLength)];
        new ZipBytes(file, entry).Read(0, text);
        return Encoding.ASCII.GetString(text);
    }

    /// <summary>('storage', type, key, location, number of elements)</summary>
    private static TorchStorage LoadStorage(object? id, Func<string, ZipBytes?> find)
    {
        object?[] parts = id as object?[] ?? [];
        if (parts is not ["storage", var named, string key, _, long count, ..]
            || TorchTypes.StorageOf(named) is not { } type)
        {
            throw new BitisException("a storage is named in a form that PyTorch does not use.");
        }
        ZipBytes bytes = find(key) ?? throw new BitisException($"the storage '{key}' is missing from the archive.");
        if (count < 0 || (type.BitSize is { } bits && count > bytes.Length * 8 / bits))
        {
            throw new BitisException(
                $"the storage '{key}' should hold {count} elements of type {type.Name}, "
                + $"but has {bytes.Length} bytes; the file is damaged.");
        }
        return new TorchStorage(type, bytes);
    }
}
