using Bitis.Checkpoints.Torch;
using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints;

/// <summary>What has a name among weights: a tensor, or something else that a PyTorch file holds there.</summary>
internal static class StoredValue
{
    /// <summary>Whether it is a tensor, of a kind that is read or not.</summary>
    public static bool IsTensor(object? value) =>
        value is StoredTensor or TorchTensor or PickleObject { IsTensor: true };

    /// <summary>Why nobody can read an object or a tensor; null for readable ones, and for plain data.</summary>
    public static string? ObstacleOf(object? value) => value switch
    {
        TorchTensor tensor => tensor.Obstacle,
        PickleObject other => $"it is a {ClassOf(other)}, which is not read as weights",
        _ => null,
    };

    /// <summary>The tensor.</summary>
    /// <exception cref="BitisException">The file describes it in a way that cannot be.</exception>
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

    /// <summary>Functions that rebuild an object are given its class first.</summary>
    private static string ClassOf(PickleObject value) =>
        value.Arguments is [PickleClass made, ..] && value.Type.Name.Contains("._re", StringComparison.Ordinal)
            ? $"{made.Name} ({value.Type.Name})"
            : value.Type.Name;
}
