using System.Runtime.InteropServices;

namespace Bitis.Data;

/// <summary>One value for each colour channel.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ChannelValues(float Red, float Green, float Blue)
{
    /// <summary>The value of channel 0 (red), 1 (green) or 2 (blue).</summary>
    public float this[int channel] => channel switch
    {
        0 => Red,
        1 => Green,
        2 => Blue,
        _ => throw new ArgumentOutOfRangeException(nameof(channel)),
    };
}
