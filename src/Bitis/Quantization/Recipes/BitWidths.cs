using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Quantization.Quantizers;

namespace Bitis;

/// <summary>
/// Bits of weights and activations, written <c>w8a8</c>, <c>w4a8</c>, <c>w8a32</c>; 32 means float32.
/// </summary>
/// <param name="Weights">Bits of a weight: 2 to 8, or 32.</param>
/// <param name="Activations">Bits of an activation: 2 to 8, or 32.</param>
/// <exception cref="BitisException">Bits are out of range.</exception>
[JsonConverter(typeof(TextConverter))]
public readonly record struct BitWidths(int Weights, int Activations)
{
    /// <summary>The number of bits that stands for "left in float32".</summary>
    public const int Float = 32;

    /// <summary>Bits of a weight: 2 to 8, or 32.</summary>
    /// <exception cref="BitisException">They are out of range.</exception>
    public int Weights { get; init => field = Require(value, "a weight"); } = Require(Weights, "a weight");

    /// <summary>Bits of an activation: 2 to 8, or 32.</summary>
    /// <exception cref="BitisException">They are out of range.</exception>
    public int Activations { get; init => field = Require(value, "an activation"); } =
        Require(Activations, "an activation");

    /// <summary>No quantization: float32 on both sides.</summary>
    public static BitWidths None => new(Float, Float);

    /// <summary>Reads a text such as <c>w8a8</c>, or <c>float</c>.</summary>
    /// <exception cref="BitisException">The text has another form, or the bits are out of range.</exception>
    public static BitWidths Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "float")
            return None;
        string lower = text.ToLowerInvariant();
        int a = lower.IndexOf('a');
        if (lower.StartsWith('w') && a > 1
            && int.TryParse(lower.AsSpan(1, a - 1), NumberStyles.None, null, out int weights)
            && int.TryParse(lower.AsSpan(a + 1), NumberStyles.None, null, out int activations)
            && IsValid(weights) && IsValid(activations))
        {
            return new BitWidths(weights, activations);
        }
        throw new BitisException(
            $"'{text}' is not a bit width: expected w<bits>a<bits> such as w8a8, w6a6 or w4a8, "
            + $"with {UniformQuantizer.MinBits} to {UniformQuantizer.MaxBits} bits, or {Float} for float32; or "
            + "'float'.");
    }

    /// <summary>The form that <see cref="Parse"/> reads.</summary>
    public override string ToString() => $"w{Weights}a{Activations}";

    private static int Require(int bits, string value) => IsValid(bits) ? bits : throw new BitisException(
        $"{bits} bits for {value}: expected {UniformQuantizer.MinBits} to {UniformQuantizer.MaxBits}, or {Float} for "
        + "float32.");

    private static bool IsValid(int bits) =>
        bits is (>= UniformQuantizer.MinBits and <= UniformQuantizer.MaxBits) or Float;

    internal sealed class TextConverter : JsonConverter<BitWidths>
    {
        public override BitWidths Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String
                ? Parse(reader.GetString()!)
                : throw new BitisException("bits are written as text, such as \"w8a8\".");

        public override void Write(Utf8JsonWriter writer, BitWidths value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
