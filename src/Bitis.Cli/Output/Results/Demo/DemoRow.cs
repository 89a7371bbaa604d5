namespace Bitis.Cli.Output.Results.Demo;

/// <summary>One quantized model of <c>bitis demo</c>.</summary>
/// <param name="Bits">Bits of weights and activations.</param>
/// <param name="Scope">The sites that were quantized.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Top1">The share of test images classified correctly, 0 to 1.</param>
/// <param name="SameTop1">The share of test images with the same top-1 class as the float model, 0 to 1.</param>
/// <param name="FileBytes">The size of the model's file.</param>
/// <param name="LatencyMs">Milliseconds for one image, median.</param>
/// <param name="FloatLatencyMs">The same for the float model, measured in turn with this one.</param>
internal sealed record DemoRow(
    BitWidths Bits, Scope Scope, string Method, double? Top1, double SameTop1, long FileBytes, double LatencyMs,
        double FloatLatencyMs);
