using Bitis.Checkpoints;
using Bitis.Models.Families;

namespace Bitis.Models.Detection;

/// <summary>Translates the names of tensors of older official code to those of the current code.</summary>
internal static class CheckpointNames
{
    /// <summary>The tensors of a checkpoint by their current names; files that Bitis wrote have no others.</summary>
    /// <exception cref="BitisException">Two tensors have the same current name.</exception>
    public static IReadOnlyDictionary<string, CheckpointEntry> Current(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (VisionModelFile.IsDescribed(checkpoint.Metadata))
            return checkpoint.Entries.ToDictionary(entry => entry.Name);
        HashSet<string> names = [.. checkpoint.Entries.Select(entry => entry.Name)];
        Func<string, string> rename =
            ModelFamilies.All.Select(family => family.RenameFrom(names)).FirstOrDefault(way => way is not null)
            ?? (name => name);
        var current = new Dictionary<string, CheckpointEntry>();
        foreach (CheckpointEntry entry in checkpoint.Entries)
        {
            string name = rename(entry.Name);
            if (!current.TryAdd(name, entry))
            {
                throw BitisException.InFile(
                    checkpoint.Path,
                    $"tensors '{current[name].Name}' and '{entry.Name}' have the same current name '{name}'; remove "
                    + "one of them.");
            }
        }
        return current;
    }
}
