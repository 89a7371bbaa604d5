using System.Collections;
using System.Text.Json.Serialization;
using Bitis.Data.Resampling;

namespace Bitis.Data;

/// <summary>One value for each channel of an image: gray, or red, green and blue.</summary>
[JsonConverter(typeof(ChannelValuesConverter))]
public readonly struct ChannelValues : IReadOnlyList<float>, IEquatable<ChannelValues>
{
    private readonly float[]? _values;

    /// <summary>The values, by channel.</summary>
    public ChannelValues(params ReadOnlySpan<float> values) => _values = values.ToArray();

    /// <summary>How many channels there are.</summary>
    public int Count => _values?.Length ?? 0;

    /// <summary>The value of a channel.</summary>
    /// <param name="index">0 for gray or red, 1 for green, 2 for blue.</param>
    public float this[int index] => (_values ?? [])[index];

    /// <inheritdoc />
    public IEnumerator<float> GetEnumerator() => ((IEnumerable<float>)(_values ?? [])).GetEnumerator();

    /// <inheritdoc />
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Whether all values are the same.</summary>
    public bool Equals(ChannelValues other) => (_values ?? []).AsSpan().SequenceEqual(other._values);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is ChannelValues other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => this.Aggregate(Count, HashCode.Combine);

    /// <summary>Whether all values are the same.</summary>
    public static bool operator ==(ChannelValues left, ChannelValues right) => left.Equals(right);

    /// <summary>Whether a value differs.</summary>
    public static bool operator !=(ChannelValues left, ChannelValues right) => !left.Equals(right);

    /// <summary>The values, for a debugger.</summary>
    public override string ToString() => $"[{string.Join(", ", this)}]";
}
