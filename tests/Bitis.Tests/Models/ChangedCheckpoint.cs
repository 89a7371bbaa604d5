using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tests.Checkpoints;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Models;

/// <summary>The tensors of a golden Vim, to be written under other names, in other types and beside others.</summary>
internal sealed class ChangedCheckpoint
{
    /// <summary>The golden file whose tensors these are.</summary>
    public static readonly string Original = GoldenFiles.Path("vim-micro.safetensors");

    /// <summary>The tensors, in order.</summary>
    public List<SafetensorsTensor> Tensors { get; } = Read();

    /// <summary>Adds a tensor of floats.</summary>
    public void Add(string name, params float[] values) =>
        Tensors.Add(new(name, DType.Float32, [values.Length], TorchFiles.Floats(values)));

    /// <summary>Puts a prefix in front of all names.</summary>
    public ChangedCheckpoint WithPrefix(string prefix)
    {
        for (int i = 0; i < Tensors.Count; i++)
            Tensors[i] = Tensors[i] with { Name = prefix + Tensors[i].Name };
        return this;
    }

    /// <summary>Replaces a tensor by others.</summary>
    public void Replace(string name, params SafetensorsTensor[] others)
    {
        Assert.Equal(1, Tensors.RemoveAll(tensor => tensor.Name == name));
        Tensors.AddRange(others);
    }

    /// <summary>The floats of a tensor.</summary>
    public float[] Floats(string name) =>
        MemoryMarshal.Cast<byte, float>(Tensors.Single(tensor => tensor.Name == name).Bytes.Span).ToArray();

    /// <summary>Writes a safetensors file.</summary>
    public string WriteSafetensors(TempFolder folder, string name = "changed.safetensors")
    {
        SafetensorsWriter.Write(folder[name], Tensors);
        return folder[name];
    }

    /// <summary>The tensors as the dictionary of a pickle, whose storages are added to others.</summary>
    public Dictionary<string, object?> ToPickle(Dictionary<string, byte[]> storages)
    {
        var dictionary = new Dictionary<string, object?>();
        foreach (SafetensorsTensor tensor in Tensors)
        {
            string key = $"{storages.Count}";
            object?[] shape = [.. tensor.Shape.Select(size => (object?)(long)size)];
            object?[] strides =
                [.. tensor.Shape.Select((_, d) => (object?)tensor.Shape.Skip(d + 1).Aggregate(1L, (a, b) => a * b))];
            dictionary.Add(tensor.Name, Builder.Tensor("FloatStorage", key, tensor.Shape.ElementCount, shape, strides));
            storages.Add(key, tensor.Bytes.ToArray());
        }
        return dictionary;
    }

    private static List<SafetensorsTensor> Read()
    {
        using Checkpoint file = Checkpoint.Open(Original);
        return [.. file.Entries.Select(e => new SafetensorsTensor(e.Name, e.DType, e.Shape, file.ReadBytes(e.Name)))];
    }
}
