using Bitis.Quantization.Scans;

namespace Bitis.Quantization.Quantizers;

/// <summary>Quantizes hidden states to signed levels, <c>q = clamp(round(h / s), −2ᵇ⁻¹, 2ᵇ⁻¹ − 1)</c>.</summary>
/// <remarks>
/// The scale s of token t and channel e is the scale of the token's group times that of the channel. Ranges change
/// along the tokens and differ between channels. Groups are QMamba's temporal group quantization (TGQ).
/// </remarks>
internal sealed class HiddenStateQuantizer
{
    private readonly int[] _groupOf;

    /// <summary>Creates a quantizer.</summary>
    /// <param name="bits">b.</param>
    /// <param name="tokens">L.</param>
    /// <param name="groupStarts">
    /// The first token of each group, ascending, from 0; in the order in which the scan sees the tokens.
    /// </param>
    /// <param name="groupScales">A scale for each group.</param>
    /// <param name="channelScales">The factor of each channel, or one factor for all channels.</param>
    /// <param name="isDithered">Whether rounding is dithered instead of to the nearest level.</param>
    /// <exception cref="ArgumentException">Groups or scales are invalid.</exception>
    public HiddenStateQuantizer(
        int bits, int tokens, int[] groupStarts, float[] groupScales, float[] channelScales, bool isDithered = false)
    {
        ArgumentNullException.ThrowIfNull(groupStarts);
        ArgumentNullException.ThrowIfNull(groupScales);
        ArgumentNullException.ThrowIfNull(channelScales);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, UniformQuantizer.MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, UniformQuantizer.MaxBits);
        if (
            groupStarts.Length == 0 || groupStarts.Length != groupScales.Length || groupStarts[0] != 0
                || groupStarts[^1] >= tokens
            || groupStarts.Zip(groupStarts.Skip(1)).Any(pair => pair.Second <= pair.First))
        {
            throw new ArgumentException(
                $"Groups of {tokens} tokens must start at ascending tokens from 0, and have a scale each.",
                nameof(groupStarts));
        }
        if (channelScales.Length == 0
            || groupScales.Concat(channelScales).Any(scale => !(float.IsFinite(scale) && scale > 1e-20f)))
        {
            throw new ArgumentException("Scales must be positive, finite numbers.", nameof(groupScales));
        }

        Bits = bits;
        GroupStarts = groupStarts;
        GroupScales = groupScales;
        ChannelScales = channelScales;
        IsDithered = isDithered;
        _groupOf = new int[tokens];
        for (int t = 0, g = 0; t < tokens; t++)
        {
            if (g + 1 < groupStarts.Length && groupStarts[g + 1] == t)
                g++;
            _groupOf[t] = g;
        }
    }

    /// <summary>b.</summary>
    public int Bits { get; }

    /// <summary>L.</summary>
    public int Tokens => _groupOf.Length;

    /// <summary>The first token of each group.</summary>
    public IReadOnlyList<int> GroupStarts { get; }

    /// <summary>A scale for each group.</summary>
    public IReadOnlyList<float> GroupScales { get; }

    /// <summary>A factor for each channel, or a single one.</summary>
    public IReadOnlyList<float> ChannelScales { get; }

    /// <summary>Whether rounding is dithered (<see cref="QuantizedScan"/> says how).</summary>
    /// <remarks>
    /// With rounding to the nearest level, a state that changes by less than half a level per token does not change at
    /// all.
    /// </remarks>
    public bool IsDithered { get; }

    /// <summary>The group of a token.</summary>
    public int GroupOf(int token) => _groupOf[token];

    /// <summary>The factor of a channel.</summary>
    public float ChannelScale(int channel) => ChannelScales[ChannelScales.Count == 1 ? 0 : channel];
}
