namespace Bitis.Models;

/// <summary>What cannot be read off a checkpoint's names and shapes; anything left null comes from the published variant.</summary>
public sealed record ModelOptions
{
    /// <summary>The options that decide nothing.</summary>
    public static ModelOptions Default { get; } = new();

    /// <summary>Where the weights are inside the file (<c>model</c>, <c>model_ema</c>, <c>state_dict</c>); found by itself if null.</summary>
    public string? WeightsKey { get; init; }

    /// <summary>Height and width of the images, in pixels; only for VMamba and LocalVMamba, whose tensors do not tell.</summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// The scan directions of each block of a LocalVim or LocalVMamba by their official names, <c>h,v_flip,w7,w7_flip/h,h_flip,v,w2/...</c>, or
    /// of one block for all.
    /// </summary>
    public string? Directions { get; init; }

    /// <summary>Distance between patches, in pixels; for Vim, as what follows.</summary>
    public int? Stride { get; init; }

    /// <summary>Where the class token is.</summary>
    public ClassTokenPosition? ClassToken { get; init; }

    /// <summary>Whether the sum of a block's two directions is halved.</summary>
    public bool? HalvesDirections { get; init; }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        if (ClassToken is { } place && !Enum.IsDefined(place))
            throw new BitisException($"There is no place '{place}' for a class token; expected one of {string.Join(", ", Enum.GetNames<ClassTokenPosition>())}.");
    }
}
