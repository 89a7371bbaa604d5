using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tensors;

namespace Bitis.Fuzz;

/// <summary>A safetensors file in parts, which may contradict each other when it is written.</summary>
internal sealed class TensorFile
{
    private TensorFile(Dictionary<string, string> metadata, List<TensorPart> tensors)
    {
        Metadata = metadata;
        Tensors = tensors;
    }

    /// <summary>The entries of <c>__metadata__</c>.</summary>
    public Dictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the file's order.</summary>
    public List<TensorPart> Tensors { get; }

    /// <summary>Reads a valid file.</summary>
    public static TensorFile Open(string path)
    {
        using Checkpoint file = Checkpoint.Open(path);
        return new TensorFile(
            file.Metadata.ToDictionary(),
            [.. file.Entries.Select(entry => new TensorPart(
                entry.Name, entry.DType.SafetensorsName(), [.. entry.Shape.Select(size => (long)size)], file.ReadBytes(
                    entry.Name)))]);
    }

    /// <summary>A copy whose parts can be changed; bytes are shared until then.</summary>
    public TensorFile Clone() =>
        new(new(Metadata), [.. Tensors.Select(tensor => tensor with { Shape = [.. tensor.Shape] })]);

    /// <summary>Makes the digest right, where the tensors can have one.</summary>
    public void Sign()
    {
        SafetensorsTensor[] tensors = [.. Tensors.Select(tensor => tensor.ToTensor()).OfType<SafetensorsTensor>()];
        bool isOld = Metadata.GetValueOrDefault("bitis_format") == "1"
            || Metadata.GetValueOrDefault("bitis_model") == "1";
        if (Metadata.ContainsKey("bitis_training"))
        {
            Metadata["sha256"] = TrainingFile.Digest(
                Metadata.GetValueOrDefault("identity", ""),
                Metadata.GetValueOrDefault("position", ""),
                tensors.Select(tensor => (tensor.Name, tensor.Bytes)));
        }
        else
        {
            Metadata["sha256"] = isOld
                ? ContentDigest.OfFormat1(tensors.Select(tensor => tensor.Bytes))
                : ContentDigest.Of(Metadata, tensors);
        }
    }

    /// <summary>Writes the file as it is.</summary>
    public void Write(string path)
    {
        var header = new StringBuilder("{\"__metadata__\":{");
        header.AppendJoin(
            ',',
            Metadata.Select(entry => $"{JsonSerializer.Serialize(entry.Key)}:{JsonSerializer.Serialize(entry.Value)}"));
        header.Append('}');
        long offset = 0;
        foreach (TensorPart tensor in Tensors)
        {
            header.Append(
                CultureInfo.InvariantCulture,
                $",{JsonSerializer.Serialize(tensor.Name)}:{{\"dtype\":\"{tensor.Type}\","
                + $"\"shape\":[{string.Join(',', tensor.Shape)}],");
            header.Append(
                CultureInfo.InvariantCulture,
                $"\"data_offsets\":[{offset + tensor.Shift},{offset + tensor.Bytes.Length}]}}");
            offset += tensor.Bytes.Length;
        }
        byte[] text = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        using FileStream stream = File.Create(path);
        byte[] length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        stream.Write(length);
        stream.Write(text);
        foreach (TensorPart tensor in Tensors)
            stream.Write(tensor.Bytes);
    }
}
