using System.IO.Compression;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.Decoding;
using Bitis.Imaging;

namespace Bitis.Fuzz.Readers;

/// <summary>
/// The readers, each as a function of an input's bytes. A <see cref="BitisException"/> is an answer; anything else is
/// what the fuzzer looks for, as are ten seconds of work and a gigabyte of memory, which fuzz-readers.sh sets.
/// </summary>
internal static class Targets
{
    /// <summary>
    /// Made by the first input: instrumented code may not run before the fuzzer has set up its counters.
    /// </summary>
    private static readonly Lazy<string> Folder = new(MakeFolder);

    /// <summary>The targets by name.</summary>
    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>
    {
        ["checkpoint"] = bytes => ReadCheckpoint(Write("fuzz.pth", bytes)),
        ["pickle"] = bytes => ReadCheckpoint(Write("fuzz.pth", Seeds.Archive(bytes, CompressionLevel.NoCompression))),
        ["index"] = bytes => ReadCheckpoint(Write("fuzz.index.json", bytes)),
        ["model"] = bytes => ReadModel(Write("fuzz.bitis", bytes)),
        ["image"] = bytes => Preprocessing.ForSize(32).Apply(ImageDecoder.Default.Decode(bytes, "fuzz")),
        ["source"] = ReadSource,
    };

    /// <summary>A folder with the files that indexes name.</summary>
    private static string MakeFolder()
    {
        string folder = Directory.CreateTempSubdirectory("bitis-fuzz-").FullName;
        foreach (string name in Seeds.Parts)
            SafetensorsWriter.Write(Path.Combine(folder, name), [new(name, DType.Float32, [2], new byte[8])]);
        return folder;
    }

    private static string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(Folder.Value, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static void ReadCheckpoint(string path)
    {
        using Checkpoint checkpoint = Checkpoint.Open(path);
        foreach (CheckpointEntry entry in checkpoint.Entries)
        {
            byte[] stored = checkpoint.ReadBytes(entry.Name);
            if (stored.Length != entry.ByteLength)
                throw new InvalidOperationException($"{stored.Length} bytes instead of {entry.ByteLength}");
            if (entry.DType is DType.Float32 or DType.Float16)
                _ = Checkpoint.FindNonFinite(checkpoint.Read(entry.Name));
        }
    }

    private static void ReadModel(string path)
    {
        if (QuantizedModel.IsQuantized(path))
            QuantizedModel.Load(path);
        else
            VisionModel.Load(path);
    }

    /// <summary>The first byte says as what file the others are opened.</summary>
    private static void ReadSource(byte[] bytes)
    {
        if (bytes.Length == 0)
            return;
        string[] names =
        [
            "labels.csv", "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "test_batch.bin", "set.zip",
            "set.tar", "set.tar.gz", "data_batch_1",
        ];
        foreach (string old in names)
            File.Delete(Path.Combine(Folder.Value, old));
        File.WriteAllBytes(Path.Combine(Folder.Value, "a.png"), Seeds.Png);
        string path = Write(names[bytes[0] % names.Length], bytes[1..]);
        using ImageSource source = ImageSource.Open(path);
        for (int i = 0; i < Math.Min(source.Count, 4); i++)
            source.Read(i);
    }
}
