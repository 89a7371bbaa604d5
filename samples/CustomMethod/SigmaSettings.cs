using Bitis;
using Bitis.Quantization.Methods;

namespace CustomMethod;

/// <summary>The settings of the method <c>sigma-learned</c>.</summary>
public sealed record SigmaSettings : MethodSettings
{
    /// <summary>As <see cref="SigmaRange.Sigmas"/>.</summary>
    public double Sigmas { get; init; } = 4;

    /// <summary>The exponent of the smoothing.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>How many steps scales learn in each block.</summary>
    public int Steps { get; init; } = 20;

    /// <inheritdoc />
    public override void Validate()
    {
        new SigmaRange { Sigmas = Sigmas }.Validate();
        if (Steps is < 0 or > 10_000)
            throw new BitisException($"{Steps} steps of learning: expected 0 to 10000.");
    }
}
