namespace Bitis.Graphs.Operators;

/// <summary>The finest scales that a layer's quantized input can have at no cost.</summary>
internal enum InputScales
{
    /// <summary>None: the operator is not a layer that can be quantized.</summary>
    None,

    /// <summary>One for all values.</summary>
    One,

    /// <summary>One for each channel.</summary>
    Channels,

    /// <summary>One for each token.</summary>
    Tokens,
}
