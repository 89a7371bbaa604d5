namespace Bitis.Gpu.Ptx;

/// <summary>The generation of a GPU, which says what instructions it has.</summary>
/// <param name="Major">The generation.</param>
/// <param name="Minor">The variant.</param>
internal readonly record struct ComputeCapability(int Major, int Minor) : IComparable<ComputeCapability>
{
    /// <summary>Whether a capability is at least another one.</summary>
    public static bool operator >=(ComputeCapability left, ComputeCapability right) => left.CompareTo(right) >= 0;

    /// <summary>Whether a capability is at most another one.</summary>
    public static bool operator <=(ComputeCapability left, ComputeCapability right) => left.CompareTo(right) <= 0;

    /// <summary>Whether a capability is more than another one.</summary>
    public static bool operator >(ComputeCapability left, ComputeCapability right) => left.CompareTo(right) > 0;

    /// <summary>Whether a capability is less than another one.</summary>
    public static bool operator <(ComputeCapability left, ComputeCapability right) => left.CompareTo(right) < 0;

    /// <inheritdoc />
    public int CompareTo(ComputeCapability other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    /// <summary>As people write it: <c>9.0</c>.</summary>
    public override string ToString() => $"{Major}.{Minor}";
}
