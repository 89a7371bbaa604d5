namespace Bitis.Cli.Output.Results.Demo;

/// <summary>The float32 model of <c>bitis demo</c>.</summary>
/// <param name="Top1">The share of test images classified correctly, 0 to 1.</param>
/// <param name="FileBytes">The size of the model's file.</param>
/// <param name="LatencyMs">
/// Milliseconds for one image: the median over the measurements beside each quantized model.
/// </param>
internal sealed record DemoFloatRow(double? Top1, long FileBytes, double LatencyMs);
