namespace Bitis.Kernels.Convolution.Integer;

/// <summary>Neighboring bytes of a row of unfolded levels, which come from one place of the filter or more.</summary>
/// <param name="Tap">The place of the filter, counted row by row.</param>
/// <param name="Taps">How many neighboring places there are in the filter's row.</param>
/// <param name="Part">The input.</param>
/// <param name="Channel">The first of its channels.</param>
/// <param name="Channels">How many channels there are.</param>
/// <param name="Offset">The first byte in the row.</param>
internal readonly record struct GridPiece(int Tap, int Taps, int Part, int Channel, int Channels, int Offset)
{
    /// <summary>The bytes of each place of the filter, whole groups of four.</summary>
    public int Bytes => (Channels + 3) / 4 * 4;
}
