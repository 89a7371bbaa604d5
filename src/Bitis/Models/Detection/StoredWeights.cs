using System.Numerics.Tensors;
using Bitis.Checkpoints;
using Bitis.Tensors;

namespace Bitis.Models.Detection;

/// <summary>Converts the stored numbers of a checkpoint to weights.</summary>
/// <remarks>
/// Floats are taken as they are. Integers and 8-bit floats are multiplied by the scale stored beside them. Without a
/// scale of a known form they are refused.
/// </remarks>
/// <param name="checkpoint">The checkpoint.</param>
/// <param name="entries">Its tensors, by their current names.</param>
internal sealed class StoredWeights(Checkpoint checkpoint, IReadOnlyDictionary<string, CheckpointEntry> entries)
{
    /// <summary>The suffixes of the names of scales; in both forms, the scale multiplies the stored numbers.</summary>
    private static readonly string[] ScaleEnds = ["_scale", "_scale_inv"];

    private static readonly string[] ZeroPointEnds = ["_zero_point", "_zero_points", "_zp", "_offset"];

    /// <summary>The scale of a tensor; null for floats, and if there is none of a known form.</summary>
    public string? ScaleOf(string name) =>
        IsFloat(entries[name].DType) || ProblemOf(name) is not null ? null : ScalesOf(name).Single();

    /// <summary>The reason why a tensor cannot be used as weights; null if it can.</summary>
    public string? ProblemOf(string name)
    {
        CheckpointEntry entry = entries[name];
        string type = entry.DType.SafetensorsName();
        if (IsFloat(entry.DType))
            return null;
        if (!entry.DType.ConvertsToFloat())
            return $"its elements are {type}, which is not supported; convert it to F32 or F16.";
        if (ZeroPointEnds.FirstOrDefault(end => entries.ContainsKey(name + end)) is { } zeroPoint)
            return $"its elements are {type} with zero points ('{name}{zeroPoint}'); {Advice}";
        return ScalesOf(name) switch
        {
            [] => $"its elements are {type}, and no scale is beside it ('{name}{ScaleEnds[0]}'); {Advice}",
            [var scale] when !IsFloat(entries[scale].DType) =>
                $"its scale '{scale}' is no float but {entries[scale].DType.SafetensorsName()}; {Advice}",
            [var scale] when !IsKnown(entry.Shape, entries[scale].Shape) =>
                $"its scale '{scale}' has shape {entries[scale].Shape}, where {entry.Shape} takes one number, "
                + $"or one for each output channel; {Advice}",
            [_] => null,
            _ => $"it has two scales; {Advice}",
        };
    }

    /// <summary>Reads a tensor.</summary>
    /// <exception cref="BitisException">The tensor is damaged, not finite, or has no scale of a known form.</exception>
    public FloatTensor Read(string name)
    {
        if (ProblemOf(name) is { } problem)
            throw BitisException.InFile(checkpoint.Path, $"tensor '{entries[name].Name}': {problem}");
        FloatTensor weights = ReadFinite(name);
        if (ScaleOf(name) is { } scaleName)
        {
            FloatTensor scale = ReadFinite(scaleName);
            int length = weights.Length / Math.Max(1, scale.Length);
            for (int row = 0; row < scale.Length; row++)
            {
                Span<float> values = weights.Span.Slice(row * length, length);
                TensorPrimitives.Multiply(values, scale.Span[row], values);
            }
            RequireFinite(weights, name);
        }
        return weights;
    }

    private const string Advice =
        "the numbers alone are no weights. Save the model in F32 or F16, with its scales applied.";

    private string[] ScalesOf(string name) => [.. ScaleEnds.Select(end => name + end).Where(entries.ContainsKey)];

    private static bool IsFloat(DType type) =>
        type is DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64;

    /// <summary>Whether a scale is one number, or one for each output channel (the outermost dimension).</summary>
    private static bool IsKnown(Shape weights, Shape scale)
    {
        if (scale.Sizes.Contains(0) || weights.Sizes.Contains(0))
            return false;
        if (scale.ElementCount == 1)
            return true;
        return weights.Rank >= 2 && scale.Rank >= 1 && scale[0] == weights[0] && scale.ElementCount == weights[0]
            && (scale.Rank == 1 || scale.Rank == weights.Rank);
    }

    private FloatTensor ReadFinite(string name)
    {
        FloatTensor tensor = checkpoint.Read(entries[name].Name);
        RequireFinite(tensor, name);
        return tensor;
    }

    private void RequireFinite(FloatTensor tensor, string name)
    {
        if (Checkpoint.FindNonFinite(tensor) is { } index)
        {
            throw BitisException.InFile(
                checkpoint.Path,
                $"tensor '{entries[name].Name}' holds {tensor.Span[index]} at element {index}: "
                + "the weights are damaged, or training diverged. Use another checkpoint.");
        }
    }
}
