using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>What a checkpoint holds, as far as its names and shapes tell.</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Variant">The published model with this architecture, if there is one.</param>
/// <param name="Assumptions">What was assumed and not read, one sentence each, with the option that changes it.</param>
public sealed record ModelDetection(ModelConfig Config, ModelVariant? Variant, IReadOnlyList<string> Assumptions)
{
    /// <summary>Infers the architecture from the tensors of a checkpoint.</summary>
    /// <param name="file">The checkpoint's name, for messages.</param>
    /// <param name="shapes">The tensors: name and shape.</param>
    /// <param name="metadata">Text beside the weights, such as the training run's arguments (<c>args.model</c>).</param>
    /// <param name="options">What the user knows better.</param>
    /// <exception cref="BitisException">No supported family has such tensors, or they contradict each other.</exception>
    public static ModelDetection Detect(
        string file,
        IReadOnlyDictionary<string, Shape> shapes,
        IReadOnlyDictionary<string, string> metadata,
        ModelOptions options)
    {
        if (shapes.ContainsKey("layers.0.mixer.A_b_log"))
            return new VimDetector(file, shapes, metadata, options).Detect();
        string? other = OtherFamily(shapes);
        throw BitisException.InFile(file, other is not null
            ? $"this is a {other} checkpoint; this version of Bitis runs Vim models (bidirectional, 'bimamba v2')."
            : $"none of its {shapes.Count} tensors looks like a Vision Mamba: expected names such as "
                + $"'layers.0.mixer.in_proj.weight', found {Examples(shapes)}. "
                + "If the weights are under another key of the file, name it with --weights-key.");
    }

    private static string? OtherFamily(IReadOnlyDictionary<string, Shape> shapes)
    {
        if (shapes.Keys.Any(name => name.Contains(".op.multi_scan.")))
            return "LocalVMamba";
        if (shapes.ContainsKey("layers.0.mixer.A_log_0"))
            return "LocalVim";
        if (shapes.Keys.Any(name => name.EndsWith(".op.x_proj_weight", StringComparison.Ordinal)))
            return "VMamba";
        return shapes.ContainsKey("layers.0.mixer.A_log") ? "one-directional Vim" : null;
    }

    private static string Examples(IReadOnlyDictionary<string, Shape> shapes) => shapes.Count == 0
        ? "no tensor at all"
        : string.Join(", ", shapes.Keys.Take(3).Select(name => $"'{name}'"));
}
