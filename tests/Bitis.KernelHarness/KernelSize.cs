namespace Bitis.KernelHarness;

/// <summary>How large the operands of the cases are.</summary>
/// <param name="Tokens">The rows of most operands.</param>
/// <param name="Channels">The columns of most operands, and the outputs of products.</param>
/// <param name="Inputs">The inner dimension of products.</param>
/// <param name="States">The hidden states of a channel in scans.</param>
/// <param name="Taps">The taps of the causal convolution.</param>
internal readonly record struct KernelSize(int Tokens, int Channels, int Inputs, int States, int Taps)
{
    /// <summary>Odd sizes, so that all vectors and tiles have a rest.</summary>
    public static KernelSize Odd => new(Tokens: 9, Channels: 37, Inputs: 36, States: 5, Taps: 4);

    /// <summary>A block of Vim-Tiny at 224×224 pixels.</summary>
    public static KernelSize VimTiny => new(Tokens: 197, Channels: 384, Inputs: 192, States: 16, Taps: 4);
}
