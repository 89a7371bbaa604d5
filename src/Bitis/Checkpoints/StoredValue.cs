using Bitis.Checkpoints.Torch;
using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints;

/// <summary>Classifies named values among weights: tensors, or other objects of a PyTorch file.</summary>
internal static class StoredValue
{
    /// <summary>Whether a value is a tensor, readable or not.</summary>
    public static bool IsTensor(object? value) =>
        value is StoredTensor or TorchTensor or PickleObject { IsTensor: true };

    /// <summary>The reason why an object or tensor cannot be read; null if it can, and for plain data.</summary>
    public static string? ObstacleOf(object? value) => value switch
    {
        TorchTensor tensor => tensor.Obstacle,
        PickleObject other => $"it is a {ClassOf(other)}, which is not supported as weights",
        _ => null,
    };

    /// <summary>Converts a value to a tensor.</summary>
    /// <exception cref="BitisException">The file's description of the tensor is invalid.</exception>
    public static StoredTensor ToTensor(object? value, string name, CheckpointFile file)
    {
        if (value is not TorchTensor tensor)
            return (StoredTensor)value!;
        try
        {
            return tensor.ToStored();
        }
        catch (BitisException e)
        {
            throw new BitisException($"{file.Path}: tensor '{name}': {e.Message}", e);
        }
    }

    /// <summary>The class of an object; functions that rebuild an object get it as their first argument.</summary>
    private static string ClassOf(PickleObject value) =>
        value.Arguments is [PickleClass made, ..] && value.Type.Name.Contains("._re", StringComparison.Ordinal)
            ? $"{made.Name} ({value.Type.Name})"
            : value.Type.Name;
}
