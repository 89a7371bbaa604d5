using Bitis.Quantization;

namespace Bitis.Cli.Output;

/// <summary>One quantized model of <c>bitis demo</c>, against the float model.</summary>
/// <param name="Bits">Bits of weights and activations.</param>
/// <param name="Method">The method's name.</param>
/// <param name="SameTop1">The share of images with the same first answer, 0 to 1.</param>
/// <param name="LogitError">The mean relative error of the logits.</param>
/// <param name="FileBytes">The size of the model's file.</param>
/// <param name="LatencyMs">Milliseconds for one image, median.</param>
/// <param name="FloatLatencyMs">The same for the float model, measured in turn with this one.</param>
internal sealed record DemoRow(
    BitWidths Bits, string Method, double SameTop1, double LogitError, long FileBytes, double LatencyMs, double FloatLatencyMs);
