
namespace Bitis.Cli.Output.Results;

/// <summary>One quantized model of <c>bitis demo</c>.</summary>
/// <param name="Bits">Bits of weights and activations.</param>
/// <param name="Scope">What was quantized.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Top1">The share of test images that it is right about, 0 to 1.</param>
/// <param name="SameTop1">The share of test images for which the float model gives the same answer, 0 to 1.</param>
/// <param name="FileBytes">The size of the model's file.</param>
/// <param name="LatencyMs">Milliseconds for one image, median.</param>
/// <param name="FloatLatencyMs">The same for the float model, measured in turn with this one.</param>
internal sealed record DemoRow(
    BitWidths Bits, Scope Scope, string Method, double? Top1, double SameTop1, long FileBytes, double LatencyMs,
        double FloatLatencyMs);
